"""The command `senex`: its entry point and what every command starts from."""
