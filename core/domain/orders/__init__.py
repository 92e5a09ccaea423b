"""Rules about an order: its request, its states, its fills, its identifier."""
