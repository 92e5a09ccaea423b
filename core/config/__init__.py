"""The settings and where they come from; the folders; the credentials."""
