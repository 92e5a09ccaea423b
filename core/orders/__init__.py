"""To be said in one sentence: what core/orders is for."""
