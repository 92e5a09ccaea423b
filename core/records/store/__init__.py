"""The database itself: tables, drivers, transactions, migrations, backup."""
