"""To be said in one sentence: what core/simulator/wire is for."""
