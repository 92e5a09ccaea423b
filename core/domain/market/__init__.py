"""Rules about the market: quotes, chains, sessions, indicators, and whether an underlying is worth trading."""
