"""To be said in one sentence: what core/locks is for."""
