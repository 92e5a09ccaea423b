"""To be said in one sentence: what core/views is for."""
