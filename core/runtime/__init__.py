"""To be said in one sentence: what core/runtime is for."""
