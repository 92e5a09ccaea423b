"""Runs `senex` with parts that fail and put every secret they know into their errors, logs and events.

Run it as `python -m tests.e2e.failing_senex ...`. Each error has the secrets in its message and in a local variable.
With `FAILING_CONSOLE` set, the engine writes them to every log and event, and the key x crashes the console. With
`FAILING_START` set, the engine of the last command cannot start.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

from core.cycle.account_steps import AccountSteps
from core.domain.operation.events import Event, Severity
from core.engine.housekeeping import Housekeeping
from core.guards.broker_check import BrokerCheck
from core.runtime.redaction import redact
from senex_tui.cli import main as cli
from senex_tui.cli.registry import add_other_commands
from tests.e2e.secrets_in_use import ACCOUNT, CLIENT_SECRET, DATABASE, PHONE, PHONE_KEY, REDIS, REFRESH, SMTP_PASSWORD

TELLING = "secrets-follow"
FAILED_CYCLE = 4
_tokens: list[str] = []
"""The tokens the broker has issued to this process."""
_learn = redact.learn


def everything() -> str:
    by_value = f"{CLIENT_SECRET} {REFRESH} {SMTP_PASSWORD} {' '.join(_tokens)} {PHONE} {PHONE_KEY} {ACCOUNT}"
    return f"{TELLING} {by_value} {DATABASE} {REDIS} https://api/{CLIENT_SECRET.replace('/', '%2F')}?n={ACCOUNT}"


def _learn_and_keep(token: str) -> None:
    _learn(token)
    _tokens.append(token)


def fail() -> None:
    secrets = everything()
    raise RuntimeError(secrets)


async def _tell_everywhere(engine: Housekeeping) -> None:
    while len(set(_tokens)) < 2:  # the quote token comes with the feed
        await engine.parts.clock.sleep(0.05)
    told = everything()
    logging.getLogger("tastytrade").error("the SDK says %s", told)
    logging.getLogger("core.failing").warning("%r", {"inside": [told]}, extra={"figures": {"of": told}})
    warnings.warn(told, stacklevel=1)
    threading.Thread(target=fail, name=f"thread {ACCOUNT}").start()
    asyncio.get_running_loop().call_exception_handler({"message": told, "exception": RuntimeError(told)})
    await engine.bus.publish(Event(engine.parts.clock.now(), "engine.failing", told, Severity.CRITICAL))
    fail()


async def _fail_in_worker() -> None:
    fail()


async def _failing_start(self: BrokerCheck) -> None:
    fail()


async def _failing_read(self: Any) -> Any:
    fail()


def _run_all(words: list[str]) -> None:
    """Runs one command, or several separated by `+`, which import their modules only once."""
    if "+" in words:
        add_other_commands(cli.app)
    while "+" in words:
        end = words.index("+")
        try:
            cli.app(words[:end], prog_name="senex")
        except SystemExit as ended:
            if ended.code not in (0, FAILED_CYCLE):
                raise
        words = words[end + 1 :]
    sys.argv[1:] = words
    if "FAILING_START" in os.environ:
        BrokerCheck.check = _failing_start  # type: ignore[method-assign]
    cli.main()


def main() -> None:
    redact.add(SMTP_PASSWORD)  # as the code that reads the password does
    setattr(redact, "learn", _learn_and_keep)  # noqa: B010 - the tokens of this process
    AccountSteps.read_account = _failing_read  # type: ignore[method-assign]
    if "FAILING_CONSOLE" in os.environ:
        Housekeeping.prepare_study = _tell_everywhere  # type: ignore[method-assign]
        from senex_tui.console.app import SenexApp

        def on_key(self: SenexApp, event: Any) -> None:
            if event.key == "x":
                self.run_worker(_fail_in_worker(), exit_on_error=True)

        SenexApp.on_key = on_key  # type: ignore[attr-defined]
    Path(os.environ["FAILING_TOKENS"]).touch()
    try:
        _run_all(sys.argv[1:])
    finally:
        with Path(os.environ["FAILING_TOKENS"]).open("a") as kept:
            kept.write("".join(f"{token}\n" for token in _tokens))


if __name__ == "__main__":
    main()
