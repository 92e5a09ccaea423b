"""Hands a message to the service of a phone, through Apprise in a process of its own (rules 11).

Apprise waits without the engine's loop, reads whole answers into memory and takes a fifth of a second to load. So each
message has a process: what hangs, fills the memory or breaks there ends with it, and nothing of it is loaded here.
"""

from __future__ import annotations

import asyncio
import json
import os
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress

from core.config.notify import secrets_of_addresses, shown_address
from core.notify.mailer import Mail, MailError, MailFault
from core.runtime.children import child_environment, python_child
from core.runtime.redaction import redact

WHOLE_S = 45.0
"""How long one message may take, from starting the process to its answer, in wall seconds."""
AT_ONCE = 2
"""So many processes load Apprise at once: a machine with two cores has other things to do at the open."""
IN_THE_MAIL = "… The mail has the rest."
CUT = "… Cut here: the service takes no more."
_LONGEST_ANSWER = 4096
_OURS = ("SENEX_", "TT_", "PG")
_FAULTS = {fault.name: fault for fault in MailFault}


class PhoneSender:
    """One address of Apprise. It is handed to the process on its standard input, never on a command line.

    `ending` stands at the end of a message that was cut, because the service takes no longer one. Those that share
    `starts` take turns at starting their processes; none waits for the service of another.
    """

    def __init__(
        self,
        address: str,
        *,
        ending: str = CUT,
        whole_s: float = WHOLE_S,
        starts: asyncio.Semaphore | None = None,
    ) -> None:
        self._address = address
        self._ending = ending
        self._whole_s = whole_s
        self._starts = starts or asyncio.Semaphore(AT_ONCE)
        redact.add(*secrets_of_addresses((address,)))

    @property
    def server(self) -> str:
        return shown_address(self._address)

    async def send(self, mail: Mail) -> str:
        order = {"address": self._address, "subject": mail.subject, "text": mail.text, "ending": self._ending}
        return await self._ask(order)

    async def check(self) -> str:
        """Asks Apprise whether it can use the address, and whether that has one target; nothing is sent. Raises
        MailError."""
        return await self._ask({"address": self._address})

    async def _ask(self, order: dict[str, str]) -> str:
        async with AsyncExitStack() as turn:
            await turn.enter_async_context(self._starts)
            try:
                async with asyncio.timeout(self._whole_s):
                    answer = await _run(json.dumps(order | {"within_s": self._whole_s}), turn.aclose)
            except TimeoutError:
                raise MailError(MailFault.NO_SERVER, f"{self.server} did not answer in time") from None
            except OSError as error:
                words = os.strerror(error.errno or 0).lower()
                told = f"no process could be started for {self.server}: {words}"
                raise MailError(MailFault.NOT_NOW, told) from None
        fault, words = _understood(answer)
        if fault is None:
            return redact(words)
        raise MailError(fault, redact(f"{self.server} {words}"))


def phone_senders(
    addresses: Sequence[str], *, has_mail: bool = False, whole_s: float = WHOLE_S
) -> tuple[PhoneSender, ...]:
    """A sender for each address. `has_mail` says whether the mail gets the same messages whole."""
    starts, ending = asyncio.Semaphore(AT_ONCE), IN_THE_MAIL if has_mail else CUT
    return tuple(PhoneSender(one, ending=ending, whole_s=whole_s, starts=starts) for one in addresses)


async def unusable(senders: Sequence[PhoneSender]) -> str:
    """What is wrong with the first address that cannot be used; empty when nothing is. Nothing is sent."""
    answers = await asyncio.gather(*(sender.check() for sender in senders), return_exceptions=True)
    return next((str(answer) for answer in answers if isinstance(answer, MailError)), "")


async def _run(order: str, has_loaded: Callable[[], Awaitable[None]]) -> bytes:
    """Runs the process and returns what it printed, cut short where needed. Cancelled, it leaves no process behind.
    `has_loaded` is called once Apprise is loaded there, or the process is over."""
    process = await asyncio.create_subprocess_exec(
        *python_child("core.notify.phone_child"),
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,  # a service's answer may repeat the address
        env=_environment(),
        start_new_session=True,  # ctrl+c at the terminal is the console's own to answer
    )
    try:
        stdin, stdout = process.stdin, process.stdout
        if stdin is None or stdout is None:
            return b""  # only the types allow it: both were asked for
        with suppress(ConnectionError):  # it ended at once, which its missing answer tells
            stdin.write(order.encode())
            await stdin.drain()
        stdin.close()
        await stdout.readline()
        await has_loaded()
        answer = await stdout.read()
        await process.wait()
        return answer[:_LONGEST_ANSWER]
    finally:
        await _end(process)


def _environment() -> dict[str, str]:
    """This process's environment without the secrets that only we need: the code of a hundred services runs there."""
    kept = child_environment(os.environ)
    return {name: value for name, value in kept.items() if not name.startswith(_OURS)}


async def _end(process: Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _understood(answer: bytes) -> tuple[MailFault | None, str]:
    """The fault and the words of the process's answer. A process that broke gave none."""
    try:
        told = json.loads(answer)
        fault, words = told["fault"], str(told["words"])
        return (None if fault is None else _FAULTS[fault]), words
    except (ValueError, KeyError, TypeError):
        return MailFault.NOT_NOW, "could not be asked: its process ended without an answer"
