"""Tells somebody outside: mail, phones, alerts, Prometheus, the heartbeat, log lines."""
