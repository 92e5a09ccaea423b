"""The password of the mail server: from the environment or the keyring, never from the settings (SPEC 13.7)."""

from __future__ import annotations

from collections.abc import Mapping

from core.credentials import KEYRING_SERVICE, CredentialsError
from core.mail_settings import MailSettings

VARIABLE = "SENEX_MAIL_PASSWORD"
KEYRING_NAME = "mail password"


def find_mail_password(settings: MailSettings, environ: Mapping[str, str], *, environment_only: bool) -> str | None:
    """The password for `mail.user`; None when nobody logs in.

    `environment_only` is for a simulated broker, whose runs read nothing of the keyring (SPEC 9). Raises
    CredentialsError when there is a user without a password.
    """
    if not settings.is_on or settings.user is None:
        return None
    found = environ.get(VARIABLE) or ("" if environment_only else _in_keyring())
    if not found:
        keyring = "" if environment_only else f", or store it: keyring set {KEYRING_SERVICE} '{KEYRING_NAME}'"
        raise CredentialsError(
            f"mail.user is {settings.user!r} but there is no password for it; set {VARIABLE} in the "
            f"environment{keyring}, or remove mail.user when the server asks for none."
        )
    return found


def _in_keyring() -> str:
    import keyring
    from keyring.errors import KeyringError

    try:
        return keyring.get_password(KEYRING_SERVICE, KEYRING_NAME) or ""
    except KeyringError:
        return ""  # a box without a desktop has none, or a locked one: the environment is the way there
