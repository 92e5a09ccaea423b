"""To be said in one sentence: what core/market is for."""
