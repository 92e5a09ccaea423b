"""The simulated broker's accounts, margin, orders and fills, and its faults. It opens no sockets."""
