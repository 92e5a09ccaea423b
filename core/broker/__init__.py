"""The broker: the interfaces the engine calls (`port`), the tastytrade adapter, and several logins as one broker."""
