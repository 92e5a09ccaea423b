"""Single values in the system's keyring, under the service of this program."""

from __future__ import annotations

from core.config.credentials import KEYRING_SERVICE


def kept_value(name: str) -> str:
    """The value that the keyring keeps under this name; empty when it has none, is locked, or there is no keyring, as
    on a machine without a desktop."""
    import keyring
    from keyring.errors import KeyringError

    try:
        return keyring.get_password(KEYRING_SERVICE, name) or ""
    except KeyringError:
        return ""


def keep_value(name: str, value: str) -> bool:
    """Whether the keyring keeps the value from now on, and gives it back."""
    import keyring
    from keyring.errors import KeyringError

    try:
        keyring.set_password(KEYRING_SERVICE, name, value)
    except KeyringError:
        return False
    return kept_value(name) == value
