"""`senex doctor`: checks of the machine, the settings, the broker, the database and Redis."""
