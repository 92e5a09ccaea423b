"""To be said in one sentence: what widgets/base is for."""
