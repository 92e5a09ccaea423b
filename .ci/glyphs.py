"""The font of the docs' pictures, and the signs that the pictures draw themselves.

`python .ci/glyphs.py FILE...` prints the characters of these texts for which a picture would show a box, and fails if
there are any. It ends with 2 where the font is not installed.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FONT = "DejaVu Sans Mono"
BRAILLE = 0x2800
BLOCKS = {"█": (0, 8), "▀": (0, 4)} | {sign: (7 - n, n + 1) for n, sign in enumerate("▁▂▃▄▅▆▇")}
"""The eighths of a cell's height at which each block begins, and that it is high."""
DRAWN = frozenset(BLOCKS) | {chr(BRAILLE + bits) for bits in range(256)}
"""The signs that the pictures draw."""
NO_FONT = 2


def missing_in_font(text: str) -> set[str]:
    """The characters of a text that neither the font has nor the pictures draw.

    Raises OSError where fontconfig or the font is not installed.
    """
    query = ["fc-match", "--format=%{family}\n%{charset}", FONT]
    family, ranges = subprocess.run(query, capture_output=True, text=True, check=True).stdout.split("\n")
    if family != FONT:
        raise FileNotFoundError(f"the font {FONT} is not installed")
    spans = [[int(end, 16) for end in part.split("-")] for part in ranges.split()]
    glyphs = {sign for span in spans for sign in range(span[0], span[-1] + 1)}
    return {sign for sign in text if sign.isprintable() and sign not in DRAWN and ord(sign) not in glyphs}


def main(files: list[str]) -> int:
    """The exit status: 0 when every character of the files has a glyph."""
    try:
        missing = missing_in_font("".join(Path(file).read_text(encoding="utf-8") for file in files))
    except OSError as error:
        print(error)
        return NO_FONT
    print(*sorted(missing))
    return int(bool(missing))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
