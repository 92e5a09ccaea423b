"""Writes the tables of the documentation that are made from the code. With --check it only says if one is out of date.

A table is between `<!-- NAME: ... -->` and `<!-- end of NAME -->`; `TABLES` says which page has which.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from core.config.loader import load_settings
from core.config.settings import Settings
from core.domain.operation.breakers import BreakerKind, Scope
from core.domain.operation.outcomes import outcome_for
from core.domain.operation.reasons import Reason
from senex_tui.console.key_map import mappable
from senex_tui.console.keys import help_groups
from senex_tui.reports.check import shown

ROOT = Path(__file__).resolve().parent.parent
_FIGURE = re.compile(r"{(\w+?)(?:_s)?}")
_ON_SCREEN = ("Signs", "States")
_FIRST = ("trading", "exits")
"""The sections of the settings that decide about money stand first."""
_EXPERT = frozenset({
    "broker.url", "clock.speed", "clock.start", "database.url", "metrics.port", "redis.name", "redis.url",
    "trading.follow_sessions", "trading.stabilization_seconds",
})  # fmt: skip
"""Settings that one person with one machine never needs; the strikes of the underlyings are others."""


_SETTING_HEAD = ("setting", "default", "what it is", "accepted")


def _setting_rows(*, expert: bool) -> list[tuple[str, ...]]:
    defaults = load_settings(None, {}).settings
    rows = []
    for section in sorted(Settings.model_fields, key=lambda section: section not in _FIRST):
        model = Settings.model_fields[section].annotation
        for name, setting in getattr(model, "model_fields", {}).items():
            value = getattr(getattr(defaults, section), name)
            if setting.title and (f"{section}.{name}" in _EXPERT) == expert:
                rows.append((f"`{section}.{name}`", shown(value), setting.description or "", setting.title))
    for symbol, chosen in defaults.underlyings if expert else ():
        for name, setting in type(chosen).model_fields.items():
            accepted = setting.title or "a number above 0"
            what = setting.description or ""
            rows.append((f"`underlyings.{symbol}.{name}`", shown(getattr(chosen, name)), what, accepted))
    return rows


def settings_table() -> str:
    return _table(_SETTING_HEAD, _setting_rows(expert=False))


def expert_settings_table() -> str:
    return _table(_SETTING_HEAD, _setting_rows(expert=True))


def keys_table() -> str:
    rows = [
        (f"`{keys}`", sentence, group.lower())
        for group, lines in help_groups()
        if group not in _ON_SCREEN
        for keys, sentence in lines
    ]
    return _table(("key", "what it does", "group"), rows)


def actions_table() -> str:
    rows = [(f"`{name}`", f"`{key}`", sentence) for name, key, sentence in mappable()]
    return _table(("action", "key", "what it does"), rows)


def words_table() -> str:
    rows = [line for group, lines in help_groups() if group in _ON_SCREEN for line in lines]
    return _table(("on the screen", "what it means"), rows)


def reasons_table() -> str:
    rows = [
        (
            f"`{reason.code}`",
            _FIGURE.sub(r"*\1*", reason.sentence),
            "transient" if reason.transient else "final",
            outcome_for(reason).value,
        )
        for reason in Reason
    ]
    return _table(("code", "what it says", "kind", "outcome"), rows)


def breakers_table() -> str:
    stopped = {Scope.GLOBAL: "every account", Scope.LOGIN: "the login's accounts", Scope.ACCOUNT: "the account"}
    rows = [(f"`{kind.code}`", stopped[kind.scope], kind.reset) for kind in BreakerKind]
    return _table(("breaker", "stops", "how it ends"), rows)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = (head, tuple("---" for _ in head), *rows)
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


TABLES: dict[str, dict[str, Callable[[], str]]] = {
    "docs/settings.md": {"settings": settings_table, "expert settings": expert_settings_table},
    "docs/keys.md": {"keys": keys_table, "actions": actions_table},
    "docs/glossary.md": {"words": words_table},
    "docs/operations.md": {"reasons": reasons_table, "breakers": breakers_table},
}


def renewed(text: str, name: str, table: str) -> str:
    """The text with a new table of this name. Raises ValueError unless the text has exactly one place for it."""
    block = re.compile(rf"(<!-- {name}: .*? -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    text, places = block.subn(lambda found: f"{found[1]}{table}\n{found[2]}", text)
    if places != 1:
        raise ValueError(f"{places} places for the table of {name}; one is needed")
    return text


def main() -> int:
    """Writes or checks all tables. Returns the exit status: 1 if --check finds one out of date."""
    old = []
    for file, tables in TABLES.items():
        path = ROOT / file
        text = fresh = path.read_text(encoding="utf-8")
        for name, table in tables.items():
            fresh = renewed(fresh, name, table())
        if fresh == text:
            continue
        old.append(file)
        if "--check" not in sys.argv:
            path.write_text(fresh, encoding="utf-8")
    if old and "--check" in sys.argv:
        print(f"{', '.join(old)}: a table is not what the code says; run: make format", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
