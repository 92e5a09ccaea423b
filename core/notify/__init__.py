"""Tells somebody outside: mail, alerts, Prometheus, the heartbeat, log lines."""
