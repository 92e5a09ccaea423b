"""A mail server in memory for virtual time. It takes messages, or is down, slow, hanging or refusing, as a test sets
it."""

from __future__ import annotations

from collections.abc import Callable

from core.notify.mailer import Mail, MailError, MailFault
from core.notify.smtp import WHOLE_S
from core.runtime.clock import Clock


class MemoryMailServer:
    """`taken` has the delivered messages in order; `tries` counts all attempts."""

    server = "post.example:587 (STARTTLS)"

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.taken: list[Mail] = []
        self.tries = 0
        self.fault: MailFault | None = None
        self.slow_s = 0.0
        self.hangs = False
        self.loses_answers = False
        """It takes a message, and its answer is lost."""
        self.refuses: Callable[[Mail], bool] = lambda mail: False
        self.refuses_by = MailFault.REFUSED

    async def check(self) -> str:
        if self.fault is MailFault.UNUSABLE:
            raise MailError(self.fault, f"{self.server} cannot be used")
        return self.server

    async def send(self, mail: Mail) -> str:
        self.tries += 1
        if self.hangs:
            await self._clock.sleep(WHOLE_S)  # the mailer's own limit
            raise MailError(MailFault.NO_SERVER, f"{self.server} did not answer in time")
        if self.slow_s:
            await self._clock.sleep(self.slow_s)
        if self.fault is not None:
            raise MailError(self.fault, f"{self.server} did not answer in time")
        if self.refuses(mail):
            raise MailError(self.refuses_by, f"{self.server} refused the message: 554 no")
        self.taken.append(mail)
        if self.loses_answers:
            raise MailError(MailFault.NO_SERVER, f"the connection to {self.server} broke")
        return "250 OK"

    def mend(self) -> None:
        """Ends every fault."""
        self.fault, self.slow_s, self.hangs, self.loses_answers = None, 0.0, False, False
        self.refuses = lambda mail: False

    @property
    def subjects(self) -> list[str]:
        return [mail.subject for mail in self.taken]

    @property
    def message_ids(self) -> list[str]:
        return [mail.message_id for mail in self.taken]
