"""The commands of this process, on their way to the inbox (rules 10)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.commands.handlers import CommandHandlers
from core.commands.inbox import CommandDesk
from core.cycle.account_cycle import AccountResult
from core.domain.operation.commands import Command, CommandKind, stop_of
from core.domain.operation.reasons import Refusal
from core.engine.snapshot_builder import SnapshotBuilder
from core.engine.tasks import Jobs
from core.records.store.errors import RecordsError
from core.runtime.clock import Clock
from core.runtime.ids import Ids


@dataclass(eq=False, repr=False)
class CommandIntake:
    """Takes commands of the console, and of whoever waits in this process for the result. `say` is given a sentence
    about a stop that cannot be recorded yet; `is_running` says whether the engine runs."""

    desk: CommandDesk
    handlers: CommandHandlers
    builder: SnapshotBuilder
    jobs: Jobs
    ids: Ids
    clock: Clock
    say: Callable[[str], None]
    is_running: Callable[[], bool]

    def accept(self, command: Command) -> None:
        """Hands a command to the inbox, and bars at once what it stops. Call it on the engine's loop."""
        self.builder.pending(command)
        self.desk.take(command)
        if self.is_running():
            self.jobs.spawn(self._post(command), "the record of a command")
        else:  # the next engine records it, if this one does not
            self.desk.keep(command)

    async def _post(self, command: Command) -> None:
        """Records the command. A stop that cannot be recorded yet is in force all the same."""
        try:
            await self.desk.post(command)
        except RecordsError as error:
            if stop_of(command) is None:
                self.builder.not_recorded(command, f"nothing was done; it could not be recorded: {error}")
            else:
                self.say(
                    f"{command.kind.words} by {command.who} is in force; it is recorded as soon as that is possible: "
                    f"{error}"
                )

    async def force(self, who: str, account: str = "") -> tuple[AccountResult, ...] | Refusal:
        """Runs one cycle now. The command goes through the inbox like every other, and every rule applies except that
        it waits for no slot (rules 3). `account` is a number or its last characters; empty for every account that is
        enabled. Returns the accounts' results, or why no cycle started. Raises the error that broke the cycle. Never
        returns when the engine ends first.
        """
        command = Command(self.ids.new(), CommandKind.FORCE, who, self.clock.now(), target=account)
        results = self.handlers.results_of(command.id)
        answer = await self.desk.post_and_do(command)
        return answer if isinstance(answer, Refusal) else await results

    async def preview(self, who: str, account: str = "") -> Command:
        """Has a preview made; the command goes through the inbox like every other. `account` is a number or its last
        characters, empty for every account that is enabled. Returns the command, once it is answered."""
        command = Command(self.ids.new(), CommandKind.PREVIEW, who, self.clock.now(), target=account)
        await self.desk.post_and_do(command)
        return command
