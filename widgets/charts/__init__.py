"""The pictures drawn with plotext, and the panel that shows one of them."""
