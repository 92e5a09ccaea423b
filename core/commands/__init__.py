"""What an operator may ask, from any place: the inbox, its handlers, and what a shell may do while no engine runs."""
