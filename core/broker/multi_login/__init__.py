"""Several logins as one broker: an account by the login that reaches it, the market by the primary one (SPEC 4)."""

from core.broker.multi_login.broker import LoginPorts, LoginsBroker

__all__ = ["LoginPorts", "LoginsBroker"]
