"""To be said in one sentence: what widgets/charts is for."""
