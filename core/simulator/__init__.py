"""A market and an exchange that stand in for the broker; only a demo, a test or a simulation builds them."""
