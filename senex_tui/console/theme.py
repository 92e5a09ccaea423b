"""The console's themes. Colours are calm, and words carry every meaning too."""

from __future__ import annotations

from dataclasses import replace

from textual.theme import BUILTIN_THEMES, Theme


def _theme(name: str, colours: dict[str, str], *, dark: bool = True, ansi: bool = False) -> Theme:
    """A theme from one table of colours. A name that Textual's `Theme` does not know becomes a style variable."""
    named = ("primary", "secondary", "accent", "success", "warning", "error", "foreground", "background", "surface",
             "panel", "boost")  # fmt: skip
    variables = {key: value for key, value in colours.items() if key not in named}
    theme = Theme(name=name, primary=colours["primary"], dark=dark, ansi=ansi, variables=variables)
    return replace(theme, **{key: colours[key] for key in named})  # type: ignore[arg-type]


SENEX_DARK = _theme(
    "senex-dark",
    {
        "primary": "#6f9fc4",
        "secondary": "#8796a8",
        "accent": "#8ab8d6",
        "success": "#7fb58a",
        "warning": "#d6ab62",
        "error": "#d8726e",
        "foreground": "#c8d0d9",
        "background": "#0e1217",
        "surface": "#12171d",
        "panel": "#1b222b",
        "boost": "#1f2832",
        "border": "#33404d",
        "border-blurred": "#33404d",
        "text-muted": "#7f8c99",
        "text-success": "#8cc197",
        "text-warning": "#dcb36c",
        "text-error": "#e4827e",
        "text-accent": "#93c1de",
        "primary-muted": "#44637c",
        "success-muted": "#4f8060",
        "error-muted": "#99504e",
        "footer-background": "#1b222b",
        "footer-key-foreground": "#93c1de",
        "footer-description-foreground": "#9aa6b2",
        "block-cursor-background": "#33475a",
        "block-cursor-foreground": "#e6ebf0",
        "block-cursor-text-style": "none",
        "input-selection-background": "#6f9fc4 35%",
    },
)

SENEX_LIGHT = _theme(
    "senex-light",
    {
        "primary": "#2f6690",
        "secondary": "#55636f",
        "accent": "#1f5f8b",
        "success": "#2e7d46",
        "warning": "#9a6700",
        "error": "#b3312c",
        "foreground": "#20262c",
        "background": "#f7f8f9",
        "surface": "#ffffff",
        "panel": "#e6eaee",
        "boost": "#dde3e9",
        "border": "#b4bfc9",
        "border-blurred": "#b4bfc9",
        "text-muted": "#5d6975",
        "text-success": "#22693a",
        "text-warning": "#7d5300",
        "text-error": "#a32622",
        "text-accent": "#1b567f",
        "primary-muted": "#8fb0c9",
        "success-muted": "#7fb58f",
        "error-muted": "#d99a97",
        "footer-background": "#e6eaee",
        "footer-key-foreground": "#1b567f",
        "footer-description-foreground": "#4a5560",
        "block-cursor-background": "#c7d8e6",
        "block-cursor-foreground": "#101418",
        "block-cursor-text-style": "none",
        "input-selection-background": "#2f6690 25%",
    },
    dark=False,
)

SENEX_CONTRAST = _theme(
    "senex-contrast",
    {
        # Blue for good and orange for bad: told apart by those who cannot tell green from red.
        "primary": "#66b3ff",
        "secondary": "#ffffff",
        "accent": "#ffff66",
        "success": "#66b3ff",
        "warning": "#ffd24d",
        "error": "#ff9933",
        "foreground": "#ffffff",
        "background": "#000000",
        "surface": "#000000",
        "panel": "#1a1a1a",
        "boost": "#262626",
        "border": "#a6a6a6",
        "border-blurred": "#a6a6a6",
        "text-muted": "#cccccc",
        "text-success": "#80c0ff",
        "text-warning": "#ffd24d",
        "text-error": "#ffa64d",
        "text-accent": "#ffff66",
        "primary-muted": "#66b3ff",
        "success-muted": "#4d94e6",
        "error-muted": "#e67a00",
        "footer-background": "#1a1a1a",
        "footer-key-foreground": "#ffff66",
        "footer-description-foreground": "#ffffff",
        "block-cursor-background": "#ffffff",
        "block-cursor-foreground": "#000000",
        "block-cursor-text-style": "bold",
        "input-selection-background": "#66b3ff 50%",
    },
)


def _ansi(name: str, *, dark: bool) -> Theme:
    """A theme of the terminal's own sixteen colours on its own background."""
    return _theme(
        name,
        dict(BUILTIN_THEMES[name].variables)
        | {
            "primary": "ansi_cyan" if dark else "ansi_blue",
            "secondary": "ansi_default",
            "accent": "ansi_bright_cyan" if dark else "ansi_blue",
            "success": "ansi_green",
            "warning": "ansi_yellow" if dark else "ansi_magenta",
            "error": "ansi_bright_red" if dark else "ansi_red",
            "foreground": "ansi_default",
            "background": "ansi_default",
            "surface": "ansi_default",
            "panel": "ansi_default",
            "boost": "ansi_default",
            "border": "ansi_bright_black",
            "border-blurred": "ansi_bright_black",
            "text-muted": "ansi_bright_black" if not dark else "ansi_white",
            "text-success": "ansi_green",
            "text-warning": "ansi_yellow" if dark else "ansi_magenta",
            "text-error": "ansi_bright_red" if dark else "ansi_red",
            "text-accent": "ansi_bright_cyan" if dark else "ansi_blue",
            "primary-muted": "ansi_cyan",
            "success-muted": "ansi_green",
            "error-muted": "ansi_red",
            "footer-background": "ansi_default",
            "footer-key-foreground": "ansi_bright_cyan" if dark else "ansi_blue",
            "footer-description-foreground": "ansi_default",
            "block-cursor-background": "ansi_white" if dark else "ansi_blue",
            "block-cursor-foreground": "ansi_black" if dark else "ansi_bright_white",
            "block-cursor-text-style": "none",
            "input-cursor-background": "ansi_white" if dark else "ansi_black",
            "input-cursor-foreground": "ansi_black" if dark else "ansi_bright_white",
            "input-selection-background": "ansi_blue",
            "input-selection-foreground": "ansi_bright_white",
            "scrollbar": "ansi_bright_black",
            "scrollbar-background": "ansi_default",
        },
        dark=dark,
        ansi=True,
    )


ANSI_DARK, ANSI_LIGHT = _ansi("ansi-dark", dark=True), _ansi("ansi-light", dark=False)
THEMES: tuple[Theme, ...] = (SENEX_DARK, SENEX_LIGHT, SENEX_CONTRAST, ANSI_DARK, ANSI_LIGHT)


def theme_to_use(name: str, *, no_color: bool) -> str:
    """The name of the theme to use. Under NO_COLOR an ANSI theme would be black on black: another is taken for it."""
    if not no_color:
        return name
    return {ANSI_DARK.name: SENEX_DARK.name, ANSI_LIGHT.name: SENEX_LIGHT.name}.get(name, name)
