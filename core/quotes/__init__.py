"""The quote store: the newest market data by symbol."""
