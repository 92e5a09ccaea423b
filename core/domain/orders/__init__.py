"""To be said in one sentence: what core/domain/orders is for."""
