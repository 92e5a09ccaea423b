"""Rules about the market: quotes, chains, sessions, indicators, the judgement."""
