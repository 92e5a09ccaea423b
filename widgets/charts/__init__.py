"""The pictures of the day, and the panel that shows one of them."""
