"""To be said in one sentence: what core/records/repositories is for."""
