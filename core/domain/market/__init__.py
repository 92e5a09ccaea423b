"""To be said in one sentence: what core/domain/market is for."""
