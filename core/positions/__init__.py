"""What is held: tridents on their way to their end, and what is read and sent for it (rules 15)."""
