"""Days of a demo that nobody watches: the real engine lives them in virtual time, in a process of its own."""
