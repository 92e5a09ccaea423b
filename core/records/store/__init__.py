"""To be said in one sentence: what core/records/store is for."""
