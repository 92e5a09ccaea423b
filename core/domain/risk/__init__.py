"""To be said in one sentence: what core/domain/risk is for."""
