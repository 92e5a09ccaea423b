"""To be said in one sentence: what core/domain/trident is for."""
