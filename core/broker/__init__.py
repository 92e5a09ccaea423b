"""The broker: the ports the engine speaks to, and the tastytrade adapter behind them."""
