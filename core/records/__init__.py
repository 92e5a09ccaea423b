"""The records: what happened, stored durably. Tables, migrations and queries."""
