"""The simulated broker as an implementation of the engine's broker ports, without sockets, for virtual time."""
