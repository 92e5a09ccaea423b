"""Writes the README's table of settings; with --check only says whether it is up to date."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from core.config import load_settings
from core.settings import Settings
from senex_tui.check import shown

README = Path(__file__).resolve().parent.parent / "README.md"
BLOCK = re.compile(r"(<!-- settings: .*? -->\n).*?(<!-- end of settings -->)", re.DOTALL)


def table() -> str:
    defaults = load_settings(None, {}).settings
    rows = ["| setting | default | what it is | accepted |", "|---|---|---|---|"]
    for section, field in Settings.model_fields.items():
        model = field.annotation
        for name, setting in getattr(model, "model_fields", {}).items():
            value = getattr(getattr(defaults, section), name)
            if setting.title:
                accepted = setting.title.replace("|", "\\|")
                rows.append(f"| `{section}.{name}` | {shown(value)} | {setting.description} | {accepted} |")
    for symbol, chosen in defaults.underlyings:
        for name, setting in type(chosen).model_fields.items():
            title = setting.title or "a number above 0"
            what = setting.description or ""
            rows.append(f"| `underlyings.{symbol}.{name}` | {shown(getattr(chosen, name))} | {what} | {title} |")
    return "\n".join(rows)


def main() -> int:
    text = README.read_text(encoding="utf-8")
    fresh = BLOCK.sub(lambda block: f"{block[1]}{table()}\n{block[2]}", text)
    if "--check" in sys.argv and fresh != text:
        print("README.md has an old table of settings; run: make format", file=sys.stderr)
        return 1
    README.write_text(fresh, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
