"""The operator's commands: the inbox, the handlers, and the commands that work while no engine runs."""
