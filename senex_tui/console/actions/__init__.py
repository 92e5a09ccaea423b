"""The actions that send a command: when each is possible, what it asks first, and what it sends."""
