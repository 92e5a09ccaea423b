"""What any command may need: log set-up, crash reports, refusals, text for a terminal."""
