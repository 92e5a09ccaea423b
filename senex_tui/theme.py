"""The console's colours: calm, dark, and never the only carrier of a meaning."""

from __future__ import annotations

from textual.theme import Theme

SENEX_DARK = Theme(
    name="senex-dark",
    primary="#6f9fc4",
    secondary="#8796a8",
    accent="#8ab8d6",
    success="#7fb58a",
    warning="#d6ab62",
    error="#d8726e",
    foreground="#c8d0d9",
    background="#0e1217",
    surface="#12171d",
    panel="#1b222b",
    boost="#1f2832",
    dark=True,
    variables={
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
