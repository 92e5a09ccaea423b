"""To be said in one sentence: what core/domain/operation is for."""
