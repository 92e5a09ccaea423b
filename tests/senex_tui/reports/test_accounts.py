"""`senex accounts`: what it prints, changes and refuses."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from core.broker.port import BrokerAccount
from core.config.settings import Settings
from core.records.records import AccountRecord, Records
from core.snapshot import Mode
from senex_tui.reports.accounts import account_lines, change_account, change_lines
from senex_tui.support.refusals import Refused
from senex_tui.trader.place import Place
from tests.support.record_samples import AT
from tests.support.senex_command import Box

FOUND = [
    BrokerAccount("5WT00001", "Main", "Margin", False),
    BrokerAccount("5WT00002", "Roth", "Cash", False),
    BrokerAccount("5WX00002", "Old", "Cash", True),
]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Records that a console has left behind."""
    found = Place(Mode.DRY_RUN, tmp_path / "data" / "dry-run" / "records.sqlite3", tmp_path / "data" / "HALT")

    async def left_behind() -> None:
        records = await Records.open(found.url)
        await records.accounts.discover("primary", FOUND[:1], enable_new=False, at=AT)
        await records.accounts.discover("second", FOUND, enable_new=False, at=AT)
        await records.logins.note("primary", is_valid=True, detail="", at=AT)
        await records.logins.note("second", is_valid=False, detail="Grant revoked", at=AT)
        await records.close()

    asyncio.run(left_behind())
    return found


def change(place: Place, number: str, field: str, value: str) -> str:
    answer = asyncio.run(change_account(place, number, field, value))
    assert answer.exit_code == 0, answer
    return answer.text


def accounts(place: Place) -> tuple[AccountRecord, ...]:
    async def read() -> tuple[AccountRecord, ...]:
        records = await Records.open(place.url, trader=False)
        try:
            return await records.accounts.all()
        finally:
            await records.close()

    return asyncio.run(read())


def test_the_list_shows_login_token_and_settings_own_or_default(place: Place) -> None:
    change(place, "5WT00002", "offset-cents", "4")
    change(place, "5WT00002", "tolerance", "0.3")
    change(place, "5WT00002", "automation", "on")
    change(place, "5WT00002", "skip", "today")
    lines = asyncio.run(account_lines(place, Settings()))
    assert all(number.number not in line for number in FOUND for line in lines), "numbers are masked"
    assert [" ".join(line.split()) for line in lines[1:3]] == [
        "…0001 off primary valid (0 c) (by capital) (0.40) (10) (immediate) Margin, Main, primary",
        "…0002 on second invalid: Grant revoked 4 c (by capital) 0.3 (10) (immediate) Cash, Roth, skips today",
    ]
    assert "closed at the broker" in lines[3]


def test_a_change_is_kept_with_who_and_can_be_undone(place: Place) -> None:
    assert change(place, "0001", "width", "5") == "set account: …0001: width default -> 5"
    assert change(place, "0001", "width", "default") == "set account: …0001: width 5 -> default"
    assert change(place, "0001", "width", "default") == "set account: …0001: width default already"
    change(place, "5WT00002", "primary", "on")
    assert [a.is_primary for a in accounts(place)] == [False, True, False]
    told = asyncio.run(change_lines(place, "0001"))
    assert [" ".join(line.split(" ET  ")[1].split("  by ")[0].split()) for line in told] == [
        "…0001 primary on -> off",
        "…0001 width 5 -> default",
        "…0001 width default -> 5",
        "…0001 primary off -> on",
    ], "the newest is first"
    assert told[2].endswith("at a shell")


@pytest.mark.parametrize(
    ("number", "field", "value", "sentence"),
    [
        ("0001", "offset-cents", "26", "offset-cents must be a whole number from 0 to 25, or default; '26' was given."),
        ("0001", "offset", "2", "the setting must be automation, offset-cents, .* 'offset' was given."),
        ("7777", "width", "5", r"'7777' names no known account; give one of …0001, …T00002, …X00002\."),
        ("0002", "width", "5", "'0002' names 2 accounts; give one of …T00002, …X00002"),
    ],
)
def test_what_cannot_be_set_is_one_sentence_and_nothing_is_posted(
    place: Place, number: str, field: str, value: str, sentence: str
) -> None:
    before = accounts(place)
    with pytest.raises(Refused, match=sentence):
        asyncio.run(change_account(place, number, field, value))
    assert accounts(place) == before


def test_the_command_line_says_the_same(box: Box, place: Place) -> None:
    data = ("--data-dir", str(place.records_file.parents[1]))
    assert box.run("accounts", "enable", "0001", *data).stdout == "set account: …0001: automation off -> on\n"
    assert box.run(*data, "accounts").stdout.splitlines()[1].split()[:2] == ["…0001", "on"]
    refused = box.run("accounts", "set", "0001", "tolerance", "2", *data)
    assert (refused.returncode, refused.stderr) == (
        2,
        "senex: tolerance must be a number above 0, at most 1, or default; '2' was given.\n",
    )


def test_before_the_first_start_no_account_is_known(box: Box) -> None:
    refused = box.run("accounts")
    assert refused.returncode == 2
    assert "no account is known yet" in refused.stderr


def test_an_option_before_the_command_never_means_other_records(box: Box) -> None:
    """`senex accounts --demo enable N` must not enable N with real money."""
    for group, command, option in (
        ("accounts", "enable", "--demo"),
        ("accounts", "list", "--data-dir"),
        ("mail", "test", "--demo"),
    ):
        value = ["there"] if option == "--data-dir" else []
        done = box.run(group, option, *value, command, *(["0001"] if command == "enable" else []))
        assert done.returncode == 2
        assert f"senex: {option} goes after the command: senex {group} {command} ... {option}" in done.stderr


def test_accounts_takes_the_options_of_its_list(box: Box, place: Place) -> None:
    data = ("--data-dir", str(place.records_file.parent.parent))
    listed, short = box.run("accounts", "list", *data), box.run("accounts", *data, SENEX_MAIL__PREFERENCE="weekly")
    assert (listed.returncode, short.returncode) == (0, 0), listed.stderr + short.stderr
    assert "…0001" in short.stdout
    assert "(weekly)" in short.stdout
    assert short.stdout.replace("(weekly)", "(immediate)").split() == listed.stdout.split()
    none = box.run("accounts", "--demo")
    assert none.stderr == box.run("accounts", "list", "--demo").stderr != ""
