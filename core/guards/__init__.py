"""To be said in one sentence: what core/guards is for."""
