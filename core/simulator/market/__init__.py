"""The simulated market: paths, quotes, listings, sessions; no clock and no sockets."""
