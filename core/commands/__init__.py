"""What an operator may ask for, from any place: the inbox, its handlers, and what works while no engine runs."""
