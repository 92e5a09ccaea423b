"""Takes an order from its intent to its proved end: desk, tracker, settlement, reconciliation."""
