"""The accounts the logins reach, as lines of text, and one change of one setting."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from core.accounts.resolve_account import resolve_account
from core.domain.operation.account_settings import account_setting
from core.domain.operation.commands import CommandKind
from core.domain.operation.events import masked
from core.domain.operation.mail_preference import MailPreference
from core.domain.operation.reasons import Refusal
from core.runtime.clock import exchange_time
from core.runtime.clock_file import noted_clock
from senex_tui.reports.check import columns
from senex_tui.support.refusals import Refused
from senex_tui.trader.place import Place, watching
from senex_tui.trader.send_command import Answer, send

if TYPE_CHECKING:
    from core.config.settings import TradingSettings
    from core.records.records import AccountRecord, LoginRecord, Records

_HEAD = ("account", "automation", "login", "token", "offset", "width", "tolerance", "limit", "mail", "")


async def account_lines(
    place: Place, defaults: TradingSettings, mail: str = MailPreference.IMMEDIATE.value
) -> list[str]:
    """One line an account; a value in brackets is the settings file's, `mail` the preference there. Raises Refused
    before the first start."""

    async def read(records: Records) -> list[str]:
        logins = {login.name: login for login in await records.logins.all()}
        today = exchange_time(noted_clock(place.records_file.parent).now()).date()
        rows = []
        for account in await records.accounts.all():
            notes = [account.kind, account.nickname]
            notes += ["closed at the broker"] if account.is_closed else []
            notes += ["primary"] if account.is_primary else []
            notes += ["skips today"] if account.skip_day == today else []
            rows.append((*_values(account, defaults, mail, logins.get(account.login)), ", ".join(filter(None, notes))))
        return list(columns([_HEAD, *rows]))

    _need_accounts(place)
    return await watching(place, read)


async def change_lines(place: Place, number: str | None) -> list[str]:
    """Every change of settings, oldest first. Raises Refused for an account that is not known."""

    async def read(records: Records) -> list[str]:
        only = None if number is None else (await _named(records, number)).number
        rows = [
            (
                f"{exchange_time(c.at):%Y-%m-%d %H:%M:%S} ET",
                masked(c.account),
                c.field.value,
                f"{c.old} -> {c.new}",
                f"by {c.who}",
            )
            for c in await records.accounts.changes(only)
        ]
        return list(columns(rows)) if rows else ["no setting was ever changed"]

    _need_accounts(place)
    return await watching(place, read)


async def change_account(place: Place, number: str, field: str, value: str) -> Answer:
    """Has the setting changed, by the console that trades there or, without one, here.

    Raises Refused for an account that is not known and a value that is none, before anything is posted.
    """
    _need_accounts(place)
    account = await watching(place, lambda records: _named(records, number))
    today = exchange_time(noted_clock(place.records_file.parent).now()).date()
    setting = account_setting(field, value, today)
    if isinstance(setting, Refusal):
        raise Refused(f"{setting.sentence()}.")
    return await send(place, CommandKind.SET_ACCOUNT, target=account.number, note=f"{field} {value}")


async def _named(records: Records, number: str) -> AccountRecord:
    account = resolve_account(await records.accounts.all(), number)
    if isinstance(account, Refusal):
        raise Refused(f"{account.sentence()}.")
    return account


def _need_accounts(place: Place) -> None:
    if place.database is None and not place.records_file.exists():
        raise Refused("no account is known yet; start `senex` once, which asks the broker for them.")


def _values(account: AccountRecord, defaults: TradingSettings, mail: str, login: LoginRecord | None) -> tuple[str, ...]:
    token = "not checked" if login is None else "valid" if login.is_valid else f"invalid: {login.detail}"
    return (
        masked(account.number),
        "on" if account.enabled else "off",
        account.login,
        token,
        _own_or(account.offset_cents, defaults.entry_offset_cents, " c"),
        _own_or(account.width, defaults.width or "by capital"),
        _own_or(account.tolerance, defaults.tolerance),
        _own_or(account.position_limit, defaults.position_limit),
        _own_or(account.mail, mail),
    )


def _own_or(own: Decimal | int | str | None, default: Decimal | int | str, unit: str = "") -> str:
    return f"({default}{unit})" if own is None else f"{own}{unit}"
