"""Accounts on the screen: what each is set to, changed with the rules of `senex accounts set`, and who changed what."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from core.domain.operation.commands import CommandKind, CommandState
from core.snapshot import Mode, Snapshot
from senex_tui.console.screens.account import AccountPage
from senex_tui.console.screens.accounts import AccountsPage
from senex_tui.console.screens.dashboard import Dashboard
from senex_tui.console.screens.dialogs import Question, TypedQuestion, ValueQuestion
from tests.support.console import parts, scenes
from tests.support.console.driver import Driven, driven
from tests.support.console.parts import account, login, with_settings
from tests.support.console.recorded import recorded, some_days
from tests.support.console.scenes import FixedEngine
from tests.support.record_samples import ACCOUNT
from widgets.account_list import account_listing
from widgets.base.list_panel import ListPanel

SET = CommandKind.SET_ACCOUNT


def words(console: Driven) -> str:
    return " ".join(console.text.split())


def in_live() -> Snapshot:
    snapshot = scenes.reached()
    return replace(snapshot, status=replace(snapshot.status, mode=Mode.LIVE))


async def change(console: Driven, setting: str, *keys: str) -> None:
    """Chooses a setting on the account's page, then presses the keys. It does not walk there by keys: test_lists tests
    that."""
    page = console.app.screen
    assert isinstance(page, AccountPage)
    page.list.choose_key(setting)
    await console.press(*keys)


async def other(console: Driven, target: str) -> None:
    """Opens another account's page in place of this one."""
    console.app.pop_screen()
    await console.app.push_screen(AccountPage(next(a for a in console.app.shown.accounts if a.target == target)))


async def test_the_list_says_what_each_account_is_set_to_and_what_its_login_is_worth() -> None:
    snapshot = scenes.reached()
    *asked, last = snapshot.accounts
    not_asked = replace(last, token_valid=None)  # as at a start, before its login has answered
    async with driven(replace(snapshot, accounts=(*asked, not_asked)), size=(200, 55)) as console:
        await console.press("A")
        for told in (
            "Accounts 4, 3 on",
            "…0001 on Trident Margin main valid 4 (by capital) (0.40) (10) (immediate) (off) primary",
            "…0002 off Roth of my gr… Margin main valid (0) 5 0.30 (10) daily",
            "…0003 on Margin family INVALID (0) (by capital) (0.40) (10) (immediate) (off) skips today",
            "not asked (0) (by capital) (0.40) (10) (immediate) (off) closed at the broker",
            "Logins 3, 1 INVALID",
            "main valid checked Nov 20 10:31 so since Nov 20 10:25 ET",
            "/oauth/token: token_invalid",
        ):
            assert await console.shows(told), told
        await console.press("slash", *"invalid", "enter", "enter")
        assert await console.shows("Account …0003")
        await console.press("q", "q", "q")
        assert isinstance(console.app.screen, Dashboard)
        assert console.engine.sent == []


async def test_a_value_is_checked_as_at_the_shell_then_sent_and_shown_until_it_is_answered() -> None:
    async with driven(scenes.reached(), size=(80, 24)) as console:
        await console.press("A", "j", "enter")
        await change(console, "offset-cents", "enter", "enter")
        assert isinstance(console.app.screen, ValueQuestion)
        assert await console.shows("now 0, the default")
        await console.press(*"26", "enter")
        told = words(console).replace("┃", "").split()
        assert "offset-cents must be a whole number from 0 to 25, or default; '26' was given." in " ".join(told)
        assert console.engine.sent == []
        await console.press("backspace", *"5", "enter")
        assert isinstance(console.app.screen, AccountPage)
        assert (console.engine.sent, console.engine.about) == ([SET], [("0002", "offset-cents 25")])
        assert await console.shows("SETTING 25…")
        assert "SETTING…" in console.text.splitlines()[0]
        await console.press("enter")
        assert console.toasts == ["offset-cents: the engine has not answered yet"]
        first, second, *_ = console.engine.current.accounts
        changed = with_settings(second, offset_cents="25")
        console.engine.current = replace(console.engine.current, accounts=(first, changed))
        console.engine.settle(CommandState.DONE, "…0002: offset-cents default -> 25")
        await console.pull()
        assert await console.shows("offset-cents 25 own")
        assert "SETTING" not in console.text
        await console.press("d")
        assert console.engine.about[-1] == ("0002", "offset-cents default")
        console.engine.settle(CommandState.REFUSED, "'0002' names no known account")
        await console.pull()
        assert "set account refused: '0002' names no known account" in console.toasts
        assert "SETTING" not in console.text


async def test_the_safe_direction_is_one_key_and_the_other_asks() -> None:
    async with driven(scenes.reached(), size=(80, 24)) as console:
        await console.press("A", "enter", "enter")
        assert console.engine.about == [("0001", "automation off")], "switching off is done at once"
        await change(console, "skip", "enter")
        await change(console, "primary", "enter")
        assert console.engine.about[1:] == [("0001", "skip today")]
        assert "this account is the primary one" in console.toasts[-1]
        await other(console, "0002")
        await change(console, "primary", "d")
        await change(console, "skip", "d")
        assert [toast.split(" ")[0] for toast in console.toasts[-2:]] == ["primary", "skip"]
        await change(console, "primary", "enter", "n", "enter", "y")
        assert console.engine.about[2:] == [("0002", "primary on")]
        await change(console, "automation", "enter", "enter")
        assert isinstance(console.app.screen, Question)
        await console.press("y")
        assert console.engine.about[3:] == [("0002", "automation on")]
        await other(console, "0003")
        await change(console, "skip", "enter", "y")
        assert console.engine.about[4:] == [("0003", "skip default")]


async def test_in_live_what_lets_an_account_enter_takes_a_typed_word() -> None:
    async with driven(in_live(), size=(80, 24)) as console:
        await console.press("A", "j", "enter", "enter", "y", "enter")
        assert isinstance(console.app.screen, TypedQuestion)
        assert "trades this account from the next cycle on" in words(console).replace("┃ ", "")
        assert console.engine.sent == []
        await console.press("backspace", *"enable", "enter")
        assert console.engine.about == [("0002", "automation on")]
        await other(console, "0003")
        await change(console, "skip", "enter", *"enter", "q", "enter")
        assert len(console.engine.sent) == 1
        await console.press(*"enter", "enter")
        assert console.engine.about[1:] == [("0003", "skip default")]


async def test_the_changes_are_told_newest_first_and_again_after_each_answer(tmp_path: Path) -> None:
    async with recorded(tmp_path) as records:
        await some_days(records)
        engine = FixedEngine(scenes.reached(), records=records, answers=CommandState.DONE)
        async with driven(engine=engine, size=(80, 24)) as console:
            await console.press("A", "enter")
            await console.answered()
            lines = [" ".join(line.split()) for line in console.text.splitlines()]
            assert "2025-11-19 10:31 width 5 -> default by ada" in lines
            assert "2025-11-18 10:31 width default -> 5 by ada [/x]" in lines
            assert lines.index("2025-11-19 10:31 width 5 -> default by ada") < lines.index(
                "2025-11-18 10:31 width default -> 5 by ada [/x]"
            )
            assert await console.shows("primary off -> on by the console")
            await records.accounts.set_enabled(ACCOUNT, False, parts.NOW, "bob")
            await console.press("enter")
            await console.answered()
            assert await console.shows("automation on -> off by bob")
            assert ACCOUNT not in console.text


async def test_an_account_that_is_gone_says_so_and_hostile_words_are_only_shown() -> None:
    hostile = account(nickname="[/x] [red]\x1b[2J" + "long " * 40, kind="[b]", login="[/]")
    bad = login(name="[/]", is_valid=False, detail="[/x] \x1b[31m " + "very long " * 30)
    snapshot = replace(scenes.reached(), accounts=(hostile,), logins=(bad,))
    async with driven(snapshot, size=(120, 40)) as console:
        await console.press("A")
        assert await console.shows("[/x] [red]")
        assert await console.shows("[/x] ·[31m")
        await console.press("enter", "enter")
        console.engine.current = replace(snapshot, accounts=())
        await console.pull()
        assert await console.shows("Account …0001 is no longer known here")
        assert "\x1b" not in console.text


async def test_no_account_says_what_would_be_here_and_two_hundred_can_be_walked() -> None:
    many = tuple(account(account=f"…{n:04}", target=f"{n:04}", nickname=f"name {n}") for n in range(200))
    async with driven(scenes.starting(), size=(80, 24)) as console:
        await console.press("A", "enter", "d", "y")
        assert await console.shows("no account is known yet")
        assert await console.shows("no login was asked yet")
        console.engine.current = replace(scenes.calm(), accounts=many)
        await console.pull()
        await console.press("G", "enter")
        assert await console.shows("Account …0199")
        await console.press("q", "slash", *"0042", "enter", "enter")
        assert await console.shows("Account …0042")
        await console.press("A")
        assert isinstance(console.app.screen, AccountsPage)


def test_the_columns_fit() -> None:
    listing = account_listing(scenes.reached().accounts)
    panel = ListPanel()
    panel.show(listing)
    for width in range(58, 200):
        drawing = panel.draw(listing, width, 20)
        assert all(sum(len(text) for text, _ in line) <= width for line in drawing.lines), width
