"""What is held, and what it earned: tridents, their exits, and the broker's history of an account (rules 15)."""
