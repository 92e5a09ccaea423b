"""The steps of `senex setup`. Each shows what is there, and changes it only when asked to."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.config.credentials import PRIMARY, REFRESH, SECRET, find_logins
from core.config.environment_file import setting_variable
from core.config.folders import Folders
from core.config.loader import Loaded, SettingsError, load_settings
from core.config.mail import PORTS, MailSettings
from core.config.mail_password import VARIABLE as MAIL_VARIABLE
from core.config.settings import BrokerSettings
from core.config.settings_file import Value, written
from core.domain.operation.events import masked
from core.runtime.redaction import MASK, redact
from senex_tui.cli.login_check import accounts_reached, accounts_words
from senex_tui.cli.setup.dialogue import agrees, ask, choose, say, secret
from senex_tui.cli.setup.plan import Plan
from senex_tui.reports.check import shown, value_of
from senex_tui.support.refusals import Refused

_SOURCE = re.compile(r" \(environment SENEX_\w+\)")
_MODES: Mapping[str, dict[str, Value]] = {
    "dry-run": {"broker.sandbox": False, "trading.live": False},
    "sandbox": {"broker.sandbox": True, "trading.live": False},
    "live": {"broker.sandbox": False, "trading.live": True},
}


@dataclass
class Steps:
    """The dialogue's questions, and the plan that its answers make."""

    loaded: Loaded
    folders: Folders
    plan: Plan

    # What is there

    def _there(self, name: str) -> Any:
        return value_of(self.loaded.settings, name)

    def _fixed(self, *names: str) -> bool:
        """Whether the environment sets one of these, which wins over the file. Says so."""
        by = next((self.loaded.origins[n] for n in names if self.loaded.origins[n].startswith("environment ")), "")
        if by:
            say(f"  it is set by the {by}, which wins over the file: not asked.")
        return bool(by)

    @staticmethod
    def _warn_of_shell(*names: str) -> None:
        """Says which of these this shell sets: what is kept elsewhere never counts there."""
        if there := [name for name in names if os.environ.get(name)]:
            say(f"  {', '.join(there)}: set in this shell, where it wins over what is kept; unset it.")

    def _set(self, name: str, value: Value) -> None:
        if value != self._there(name):
            self.plan.settings[name] = value
        else:
            self.plan.settings.pop(name, None)

    @property
    def broker(self) -> BrokerSettings:
        """The broker of the mode that was chosen."""
        sandbox = bool(self.plan.settings.get("broker.sandbox", self._there("broker.sandbox")))
        return BrokerSettings(url=self._there("broker.url"), sandbox=sandbox)

    @property
    def is_live(self) -> bool:
        return bool(self.plan.settings.get("trading.live", self._there("trading.live")))

    # The steps

    def mode(self) -> None:
        say("\n1. Mode")
        url = self._there("broker.url")
        if url is not None:
            say(f"  broker.url is set: the simulated broker at {url}, mode demo.")
            return
        there = "live" if self.is_live else "sandbox" if self.broker.sandbox else "dry-run"
        if self._fixed("broker.sandbox", "trading.live"):
            return
        say("  dry-run: the broker checks each order and none is sent. sandbox: sent to its certification environment.")
        say("  live: real orders for real money; every command then needs --live.")
        chosen = choose("mode", tuple(_MODES), there)
        if chosen == "live" and there != "live":
            say(
                "  First go through the list in docs/operations.md, Before the first live day. In live no close is sent"
            )
            say("  until you switch exits on for the account: senex --live accounts set NUMBER exits all.")
            typed = ask("type LIVE to have real orders sent, or Enter for dry-run", "dry-run", str)
            chosen = "live" if typed == "LIVE" else "dry-run"
            say(f"  mode {chosen}.")
        for name, value in _MODES[chosen].items():
            self._set(name, value)

    def login(self) -> None:
        say("\n2. Login")
        simulated = self.broker.url is not None
        found = find_logins(os.environ, self.folders.credentials_file, environment_only=simulated)
        for one in found:
            redact.add(one.secret, one.refresh)
            say(f"  {one.name}: client secret {MASK}, refresh token {MASK}, from {one.origin}")
        primary = next((one for one in found if one.name == PRIMARY), None)
        if primary is not None and not agrees("give another one"):
            try:
                self._reached((primary.secret, primary.refresh))
            except Refused as refused:
                say(f"  {refused}")
                if agrees("leave it as it is and go on", kept=True):
                    return
            else:
                return
        elif primary is None and not agrees("enter the login now", kept=True):
            say("  without one only `senex demo` runs; `senex login` keeps one later.")
            return
        while True:
            login = secret("client secret"), secret("refresh token")
            try:
                self._reached(login)
            except Refused as refused:
                say(f"  {refused}")
                if not agrees("try again", kept=True):
                    return
            else:
                break
        self.plan.keeps_login = not simulated
        if not simulated:
            self._warn_of_shell(SECRET, REFRESH)
        if simulated:
            say("  for that broker put it into the environment: TT_SECRET and TT_REFRESH; nothing is kept.")

    def _reached(self, login: tuple[str, str]) -> None:
        self.plan.accounts = accounts_reached(PRIMARY, *login, self.broker)
        self.plan.login = login
        redact.add_accounts(*(account.number for account in self.plan.accounts))
        say(f"  the broker takes it; it reaches {accounts_words(self.plan.accounts)}")

    def accounts(self, enabled: frozenset[str]) -> None:
        """`enabled` are the numbers that are switched on in the records."""
        say("\n3. Accounts")
        off = [one for one in self.plan.accounts if one.number not in enabled and not one.is_closed]
        for account in self.plan.accounts:
            word = "closed" if account.is_closed else "on" if account.number in enabled else "off"
            notes = ", ".join(filter(None, (account.kind, account.nickname)))
            say(f"  {masked(account.number)}  {word:<6} {notes}")
        if not off:
            say("  there is none to switch on." if self.plan.accounts else "  none is known without a login.")
            return
        say("  The automation enters only in accounts that are on.")

        def chosen(answer: str) -> list[str]:
            if answer == "none":
                return []
            numbers = []
            for word in answer.split():
                fitting = [one.number for one in off if one.number.endswith(word.removeprefix("…").upper())]
                if len(fitting) != 1:
                    ends = ", ".join(masked(one.number) for one in off)
                    raise Refused(f"an account must be the last characters of one of {ends}; {word!r} was given.")
                numbers += fitting
            return numbers

        self.plan.enabled = ask("switch on, by their last characters", "none", chosen)

    def offset(self) -> None:
        name = "trading.entry_offset_cents"
        say("\n4. Offset")
        say(f"  {name}: {shown(self._there(name))}, cents by which the limit of an entry is below the mid")
        if self._fixed(name):
            return
        self._set(name, ask(name, str(self._there(name)), lambda answer: self._accepted(name, answer)))

    def mail(self) -> None:
        say("\n5. Mail")
        there: MailSettings = self.loaded.settings.mail
        say(f"  {there.server}, to {there.operator}" if there.is_on else "  off")
        if self._fixed("mail.host", "mail.port", "mail.security", "mail.user", "mail.sender", "mail.operator"):
            return
        while agrees("change it" if there.is_on else "set it up"):
            given = self._mail_given(there)
            password = secret("password of the mail server", blanks=True) if given.get("mail.user") else ""
            try:
                made = self._with(given).settings.mail
            except SettingsError as wrong:
                say(f"  {_SOURCE.sub('', str(wrong))}")
                continue
            from senex_tui.reports.mail import send_test

            if agrees("send a test message now", kept=True):
                answer = asyncio.run(send_test(made, password or None))
                say(f"  {answer.text}")
                if answer.exit_code and agrees("answer these questions again", kept=True):
                    continue
            for name, value in given.items():
                self._set(name, value)
            self.plan.mail_password = password
            if password:
                self._warn_of_shell(MAIL_VARIABLE)
            return

    def _mail_given(self, there: MailSettings) -> dict[str, Value]:
        given: dict[str, Value] = {}
        for name, kept in (
            ("mail.host", there.host or ""),
            ("mail.security", there.security),
            ("mail.sender", there.sender or ""),
            ("mail.operator", there.operator or ""),
        ):
            # A host alone is no whole section: a part is checked by itself, the section afterwards.
            given[name] = ask(name, str(kept), lambda answer, name=name: self._accepted(name, answer))  # type: ignore[misc]
        port = ask("mail.port, or usual", str(there.port or "usual"), self._port)
        if port is None and there.port is not None:
            port = PORTS[given["mail.security"]]  # type: ignore[index]  # checked as it was asked
        if port is not None:
            given["mail.port"] = port
        user = ask("mail.user, or none", there.user or "none", lambda answer: self._user(answer, there))
        if user is not None:
            given["mail.user"] = user
        return given

    def _port(self, answer: str) -> int | None:
        return None if answer == "usual" else self._accepted("mail.port", answer)

    @staticmethod
    def _user(answer: str, there: MailSettings) -> str | None:
        if answer != "none":
            return answer
        if there.user is not None:
            raise Refused(f"mail.user is {there.user!r} in the settings; to do without, remove its line there first.")
        return None

    def _with(self, given: Mapping[str, Value]) -> Loaded:
        """The settings that are there, with these in their place. Raises SettingsError."""
        more = {setting_variable(name): written(value) for name, value in given.items()}
        return load_settings(self.loaded.file, {**os.environ, **more})

    def phones(self) -> None:
        from core.config.notify import addresses_words, find_addresses, secrets_of_addresses
        from core.notify.phone import phone_senders, unusable

        say("\n6. Phone")
        simulated = self.broker.url is not None
        notify = self.loaded.settings.notify
        say(f"  {addresses_words(notify, environment_only=simulated)}")
        if self._fixed("notify.urls", "notify.keyring"):
            return
        say("  An address of Apprise reaches it, like ntfy://TOPIC; docs/notify.md has some. It is a secret.")
        while agrees("give other addresses" if notify.is_on else "set it up"):
            given: list[str] = []
            while not given or agrees("one more"):
                given.append(secret("address"))
            redact.add(*given)
            try:
                made = load_settings(None, {"SENEX_NOTIFY__URLS": " ".join(given)}).settings.notify
            except SettingsError as wrong:
                say(f"  {_SOURCE.sub('', str(wrong))}")
                continue
            addresses = find_addresses(made, environment_only=True)
            redact.add(*secrets_of_addresses(addresses))
            wrong_address = asyncio.run(unusable(phone_senders(addresses)))
            if wrong_address:
                say(f"  {wrong_address}.")
                continue
            from senex_tui.reports.notify import send_test

            if agrees("send a test message now", kept=True):
                answer = asyncio.run(send_test(addresses))
                for line in answer.text.splitlines():
                    say(f"  {line}")
                if answer.exit_code and agrees("answer these questions again", kept=True):
                    continue
            self.plan.phones = addresses
            return

    @staticmethod
    def _accepted(name: str, answer: str) -> Any:
        """The value of the answer, which the setting accepts. Raises Refused with the field, the value and the fix."""
        try:
            return value_of(load_settings(None, {setting_variable(name): answer}).settings, name)
        except SettingsError as wrong:
            mine = [_SOURCE.sub("", one) for one in wrong.sentences if one.startswith(f"{name} must")]
            if mine:
                raise Refused(mine[0]) from None
        return answer  # of a section that is not whole yet, whose other settings are missed
