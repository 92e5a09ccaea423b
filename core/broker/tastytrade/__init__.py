"""The tastytrade adapter. Nothing else imports the broker's SDK, which takes most of a second to load."""

from core.broker.tastytrade.broker import TastytradeBroker
from core.broker.tastytrade.login import Login

__all__ = ["Login", "TastytradeBroker"]
