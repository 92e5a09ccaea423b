"""To be said in one sentence: what core/domain/reporting is for."""
