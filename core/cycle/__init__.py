"""One cycle, from its slot to the steps of one account and the attempts inside them."""
