"""To be said in one sentence: what core/accounts is for."""
