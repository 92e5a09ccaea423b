"""The REST paths of accounts: list, balances, positions and trading status. A login sees only its own accounts."""

from __future__ import annotations

from core.simulator.exchange.accounts import SimAccount
from core.simulator.exchange.client_accounts import ClientAccounts
from core.simulator.exchange.exchange import Exchange
from core.simulator.wire.payloads import Payload, items
from core.simulator.wire.payloads_accounts import account, balances, position, trading_status
from core.simulator.wire.rest import Answer, Call, Refusal, Route, not_found


class AccountAccess:
    """Checks that a login may use an account. `logins` names all logins."""

    def __init__(self, exchange: Exchange, logins: frozenset[str]) -> None:
        self._exchange = exchange
        self._logins = logins

    def number(self, call: Call) -> str:
        """The account number in the path. Raises Refusal: 403 for another login's account, 404 for an unknown one."""
        number = call.names["number"]
        if any(entry.number == number for entry in self._exchange.accounts_of(call.login)):
            return number
        for login in self._logins:
            if any(entry.number == number for entry in self._exchange.accounts_of(login)):
                raise Refusal(403, "not_permitted", "User not permitted access")
        raise not_found(f"account with number {number}")


class AccountsApi:
    """The handlers of the account paths."""

    def __init__(self, exchange: Exchange, shown: ClientAccounts, access: AccountAccess) -> None:
        self._exchange = exchange
        self._shown = shown
        self._access = access

    def routes(self) -> list[Route]:
        return [
            ("GET", "/customers/me/accounts", self.accounts),
            ("GET", "/customers/me/accounts/{number}", self.account),
            ("GET", "/accounts/{number}/balances/{currency}", self.balances),
            ("GET", "/accounts/{number}/balances", self.balances),
            ("GET", "/accounts/{number}/positions", self.positions),
            ("GET", "/accounts/{number}/trading-status", self.trading_status),
        ]

    def accounts(self, call: Call) -> Answer:
        found: list[Payload] = [
            {"account": self._account(entry), "authority-level": "owner"}
            for entry in self._exchange.accounts_of(call.login)
        ]
        return Answer(items(found))

    def account(self, call: Call) -> Answer:
        number = self._access.number(call)
        found = next(entry for entry in self._exchange.accounts_of(call.login) if entry.number == number)
        return Answer(self._account(found))

    def balances(self, call: Call) -> Answer:
        number = self._access.number(call)
        currency = call.names.get("currency", "USD")
        if currency != "USD":
            raise not_found(f"balances in {currency}")
        return Answer(balances(self._exchange.balances(number, call.now)))

    def positions(self, call: Call) -> Answer:
        """The positions that the query asks for. Each symbol is one position, with net-positions or without."""
        number = self._access.number(call)
        held = self._shown.positions(number, call.now, closed=call.says("include-closed-positions"))
        wanted = {
            "underlying_symbol": call.values("underlying-symbol"),
            "instrument_type": call.values("instrument-type"),
            # An OCC symbol has spaces inside, so each value is taken as it is.
            "symbol": call.query.getall("symbol", []),
        }
        for name, values in wanted.items():
            if values:
                held = [entry for entry in held if getattr(entry, name) in values]
        restricted = self._shown.restricted(number, call.now)
        marks = call.says("include-marks")
        return Answer(items([position(each, restricted=restricted[each.symbol], marks=marks) for each in held]))

    def trading_status(self, call: Call) -> Answer:
        return Answer(trading_status(self._exchange.trading_status(self._access.number(call))))

    def _account(self, entry: SimAccount) -> Payload:
        return account(entry, self._exchange.trading_status(entry.number).options_level)
