"""Runs one cycle: from its slot to the steps of each account and the attempts inside them."""
