"""Several logins as one broker. An account uses the login that reaches it, the market the primary login (rules 4)."""

from core.broker.multi_login.broker import LoginPorts, LoginsBroker

__all__ = ["LoginPorts", "LoginsBroker"]
