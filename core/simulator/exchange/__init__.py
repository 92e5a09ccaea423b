"""The exchange of the simulated broker: accounts, margin, orders and their fills; no clock and no sockets."""
