"""The logins at the broker and the accounts they reach."""
