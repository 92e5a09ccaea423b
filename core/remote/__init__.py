"""A console elsewhere: the screen and the quotes go out to Redis, and a client follows them."""
