"""The records: what happened, durably. Tables, migrations and queries."""
