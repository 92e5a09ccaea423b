"""How the engine's state becomes what the console is shown, one slice a file."""
