"""To be said in one sentence: what core/simulator/market is for."""
