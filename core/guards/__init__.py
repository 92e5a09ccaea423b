"""Decides whether anything may be sent now: the gate, the breakers, the watchdog, the broker check."""
