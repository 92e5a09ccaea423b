"""The simulated broker over its real protocols: OAuth, REST, alerts and quotes on loopback."""
