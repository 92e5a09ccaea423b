"""Who is told of what changes at the exchange."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from core.simulator.exchange.ledger import Ledger
from core.simulator.exchange.orders import Notice, SimBalances, SimOrder
from core.simulator.exchange.transactions import Posting


@dataclass(eq=False)
class Notices:
    """The notices of one exchange: kept until they are read, and told at once to those who listen."""

    account: Callable[[str], Ledger]
    balances: Callable[[str, datetime], SimBalances]
    _unread: list[Notice] = field(default_factory=list, init=False)
    _listeners: list[Callable[[Notice], None]] = field(default_factory=list, init=False)
    _watchers: list[Callable[[], None]] = field(default_factory=list, init=False)

    def listen(self, told: Callable[[Notice], None]) -> Callable[[], None]:
        """Calls `told` with each notice as it comes to be. Returns what ends that."""
        self._listeners.append(told)
        return lambda: self._listeners.remove(told)

    def watch(self, moved: Callable[[], None]) -> Callable[[], None]:
        """Calls `moved` when the next event may come sooner than `Exchange.next_event_at` said, and no notice tells of
        it: after a change of plan or speed, and when something is set for an instant. Returns what ends that."""
        self._watchers.append(moved)
        return lambda: self._watchers.remove(moved)

    def take(self) -> list[Notice]:
        """The notices since the last call, oldest first."""
        notices, self._unread = self._unread, []
        return notices

    def moved(self) -> None:
        """The next event may come sooner."""
        for moved in tuple(self._watchers):
            moved()

    def order(self, order: SimOrder, at: datetime) -> None:
        self._tell(Notice(order.account_number, "Order", order, at))

    def balance(self, number: str, at: datetime) -> None:
        self._tell(Notice(number, "AccountBalance", self.balances(number, at), at))

    def posted(self, posting: Posting) -> None:
        """Tells of what a posting has changed: of the cash too, unless it is of a fill, which had changed it before."""
        symbols = list(dict.fromkeys(move.symbol for move in posting.moves))
        self.positions(posting.account, symbols, posting.at, with_balance=posting.order_id is None)

    def positions(self, number: str, symbols: Sequence[str], at: datetime, with_balance: bool = True) -> None:
        """Tells of these positions of an account, and of its cash."""
        ledger = self.account(number)
        for symbol in symbols:
            self._tell(Notice(number, "CurrentPosition", ledger.position(symbol, at), at))
        if with_balance:
            self.balance(number, at)

    def _tell(self, notice: Notice) -> None:
        self._unread.append(notice)
        for listener in tuple(self._listeners):
            listener(notice)
