"""The screens and dialogs that open in the app, and their base classes."""
