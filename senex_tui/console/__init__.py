"""The Textual application: the app, its keys, its theme."""
