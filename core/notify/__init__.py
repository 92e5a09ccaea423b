"""To be said in one sentence: what core/notify is for."""
