"""The last step of `senex setup`: how the console is kept running, in tmux or as a service of systemd."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.config.loader import FILE_VARIABLE
from senex_tui.cli.setup.dialogue import agrees, choose, say
from senex_tui.cli.setup.plan import Plan, unit_folder

_PLACES = (FILE_VARIABLE, "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")
"""Variables that say where the files are. Neither systemd nor a tmux server that runs already gets them from here."""
_ROOT = Path(__file__).parents[3]
_UNITS = _ROOT / "docs" / "units"
_OPTIONS = re.compile(r"^ExecStart=.*?\bserve\b[ \t]*(.*?)[ \t]*$", re.MULTILINE)
_PLACED = re.compile(rf"^Environment=(\"?(?:{'|'.join(_PLACES)})=.*?)[ \t]*$", re.MULTILINE)


@dataclass(frozen=True)
class Start:
    """What a start of the console needs: the command, its options, and the places that the environment names."""

    senex: Path
    options: tuple[str, ...]
    places: Mapping[str, str]

    def tmux(self) -> str:
        """The line that starts it in tmux, for a shell."""
        words = [f"{name}={value}" for name, value in self.places.items()]
        command = [str(self.senex), *self.options]
        if words or (len(command) == 1 and shlex.quote(command[0]) != command[0]):
            command = ["env", *words, *command]  # tmux hands a single word to a shell, which would part it
        return shlex.join(["tmux", "new", "-s", "senex", *command])

    def unit(self, template: str, script: Path) -> str:
        """The unit of systemd."""
        words = " ".join(map(_word, (str(script), "serve", *self.options)))
        places = {"SENEX": str(self.senex), **self.places}
        lines = "\n".join(f"Environment={_assignment(f'{name}={value}')}" for name, value in places.items())
        unit = re.sub(r"^ExecStart=.*$", lambda _: f"ExecStart={words}", template, flags=re.MULTILINE)
        unit = re.sub(r"^ExecStop=.*$", lambda _: f"ExecStop={_word(str(script))} stop", unit, flags=re.MULTILINE)
        return unit.replace("[Service]\n", f"[Service]\n{lines}\n").replace("a clone in ~/senex", f"{_ROOT}")


def start_of(*, is_live: bool, data_dir: Path | None, environ: Mapping[str, str]) -> Start:
    """The start that finds the same settings and records as this run."""
    options = ["--live"] if is_live else []
    if data_dir is not None:
        options += ["--data-dir", str(data_dir.expanduser().absolute())]
    places = {name: environ[name] for name in _PLACES if environ.get(name)}
    if FILE_VARIABLE in places:
        places[FILE_VARIABLE] = str(Path(places[FILE_VARIABLE]).expanduser().absolute())
    return Start(Path(sys.prefix) / "bin" / "senex", tuple(options), places)


def keep_running(plan: Plan, *, is_live: bool, data_dir: Path | None) -> None:
    """Says how to start the console in tmux, and plans the service when it is wanted."""
    say("\n7. How it is kept running")
    start = start_of(is_live=is_live, data_dir=data_dir, environ=os.environ)
    say(f"  tmux: {start.tmux()}")
    template, path = _UNITS / "senex.service", unit_folder() / "senex.service"
    wanted = start.unit(template.read_text(encoding="utf-8"), _UNITS / "senex-tmux.sh") if template.exists() else ""
    if path.exists():
        there = _meant_by(path.read_text(encoding="utf-8", errors="replace"))
        if not wanted or there == _meant_by(wanted):
            say(f"  systemd: {path} is there and is left as it is.")
            return
        say(f"  systemd: {path} is there, and starts another console than this one:")
        say(f"    there  {there}")
        say(f"    here   {_meant_by(wanted)}")
        if not agrees("write it anew; what you changed in it goes"):
            return
    elif not wanted or choose("tmux, or a service of systemd", ("tmux", "systemd"), "tmux") == "tmux":
        return
    plan.unit = path, wanted
    alone = sorted(name for name in os.environ if name.startswith("SENEX_") and name not in start.places)
    if alone:
        say(f"  {', '.join(alone)}: set in this shell alone. The service has it once it is in the file environment.")
    say("  start it afterwards with: systemctl --user daemon-reload && systemctl --user enable --now senex")
    say("  and, so that it runs without you logged in: loginctl enable-linger")


def _meant_by(unit: str) -> str:
    """Which console the unit starts: the options of its start, and the places that it names."""
    options = _OPTIONS.search(unit)
    return " ".join(["senex", *filter(None, (options[1] if options else "",)), *sorted(_PLACED.findall(unit))])


def _word(word: str) -> str:
    """A word of a command line in a unit, where `%` and `$` mean something."""
    return _assignment(word).replace("$", "$$")


def _assignment(word: str) -> str:
    escaped = word.replace("%", "%%").replace("\\", "\\\\").replace('"', '\\"')
    return escaped if re.fullmatch(r"[\w@%+=:,./$-]+", escaped) else f'"{escaped}"'
