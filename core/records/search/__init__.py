"""To be said in one sentence: what core/records/search is for."""
