"""A console elsewhere: the trader publishes snapshots and quotes to Redis, and a client follows them."""
