"""A Textual app of one widget, the base for the cost of a screen."""

from textual.app import App, ComposeResult
from textual.widgets import Static


class MinimalApp(App[None]):
    """Shows one line."""

    def compose(self) -> ComposeResult:
        yield Static("one line")


if __name__ == "__main__":
    MinimalApp().run()
