"""`senex accounts`: the list of accounts, the changes of their settings, and one change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.domain.operation.account_settings import AccountField, account_setting, confirmed_exits
from core.domain.operation.commands import CommandKind
from core.domain.operation.events import masked
from core.domain.operation.reasons import Refusal
from core.domain.operation.times import stamp
from core.runtime.clock import exchange_time
from core.views.accounts import setting_views
from senex_tui.reports.check import columns
from senex_tui.reports.named import account_named
from senex_tui.support.refusals import Refused
from senex_tui.support.report import Answer
from senex_tui.trader.market_time import market_clock
from senex_tui.trader.place import Place, with_records
from senex_tui.trader.send_command import send

if TYPE_CHECKING:
    from core.config.settings import Settings
    from core.domain.positions.tridents import ExitMode
    from core.records.records import AccountRecord, LoginRecord, Records
    from core.snapshot import SettingView

_HEAD = ("account", "automation", "login", "token", "offset", "width", "tolerance", "limit", "mail", "")
_UNITS = {AccountField.OFFSET_CENTS.value: " c"}


async def account_lines(place: Place, defaults: Settings) -> list[str]:
    """One line an account, under a head; a value in brackets is that of `defaults`. Raises Refused before the first
    start, RecordsError."""

    async def read(records: Records) -> list[str]:
        logins = {login.name: login for login in await records.logins.all()}
        today = exchange_time((await market_clock(place)).now()).date()
        rows = []
        for account in await records.accounts.all():
            notes = [account.kind, account.nickname]
            notes += ["closed at the broker"] if account.is_closed else []
            notes += ["primary"] if account.is_primary else []
            notes += ["skips today"] if account.skip_day == today else []
            rows.append((*_cells(account, defaults, logins.get(account.login)), ", ".join(filter(None, notes))))
        return list(columns([_HEAD, *rows]))

    _need_accounts(place)
    return await with_records(place, read)


async def change_lines(place: Place, number: str | None) -> list[str]:
    """Every change of settings, newest first. Raises Refused for an account that is not known."""

    async def read(records: Records) -> list[str]:
        only = None if number is None else await _resolved(records, number)
        rows = [
            (
                stamp(c.at),
                masked(c.account),
                c.field.value,
                f"{c.old} -> {c.new}",
                f"by {c.who}",
            )
            for c in reversed(await records.accounts.changes(only))
        ]
        return list(columns(rows)) if rows else ["no setting was ever changed"]

    _need_accounts(place)
    return await with_records(place, read)


async def change_account(place: Place, number: str, field: str, value: str) -> Answer:
    """Changes the setting: through the console that trades there, or here when none does.

    Raises Refused before anything is posted: for an account that is not known and for a value that cannot be set.
    """
    _need_accounts(place)
    account = await with_records(place, lambda records: _resolved(records, number))
    today = exchange_time((await market_clock(place)).now()).date()
    from core.snapshot import Mode

    wanted: str | Refusal = value
    if field == AccountField.EXITS:
        wanted = confirmed_exits(value, account, live=place.mode is Mode.LIVE)
    setting = wanted if isinstance(wanted, Refusal) else account_setting(field, wanted, today)
    if isinstance(setting, Refusal):
        raise Refused(f"{setting.sentence()}.")
    return await send(place, CommandKind.SET_ACCOUNT, target=account, note=f"{field} {value}")


def switched_to(place: Place, field: str, value: str) -> ExitMode | None:
    """The mode in which this setting has exits of a live account sent; None where it sends none. Words after the mode
    count for nothing: they are typed with the orders in sight."""
    from core.domain.positions.tridents import ExitMode
    from core.snapshot import Mode

    mode = next(iter(value.split()), "")
    sends = (ExitMode.TARGETS.value, ExitMode.ALL.value)
    return ExitMode(mode) if place.mode is Mode.LIVE and field == AccountField.EXITS and mode in sends else None


def _need_accounts(place: Place) -> None:
    if place.database is None and not place.records_file.exists():
        raise Refused("no account is known yet; start `senex` once, which asks the broker for them.")


async def _resolved(records: Records, number: str) -> str:
    found = await account_named(records, number, option="account ")
    if found is None:
        raise Refused("an account is named by its last characters; none were given.")
    return found


def _cells(account: AccountRecord, defaults: Settings, login: LoginRecord | None) -> tuple[str, ...]:
    token = "not checked" if login is None else "valid" if login.is_valid else f"invalid: {login.detail}"
    switch = "on" if account.enabled else "off"
    shown = (_shown(setting) for setting in setting_views(account, defaults))
    return masked(account.number), switch, account.login, token, *shown


def _shown(setting: SettingView) -> str:
    value = setting.value + _UNITS.get(setting.name, "")
    return value if setting.own else f"({value})"
