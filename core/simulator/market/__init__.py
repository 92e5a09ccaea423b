"""The simulated market: price paths, quotes, listed options and sessions. It reads no clock and opens no sockets."""
