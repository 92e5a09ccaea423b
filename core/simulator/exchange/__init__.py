"""To be said in one sentence: what core/simulator/exchange is for."""
