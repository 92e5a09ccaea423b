"""The simulated broker behind the engine's ports, without sockets, for virtual time."""
