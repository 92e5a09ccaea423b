"""Finds the mail server's password in the environment or the keyring, never in the settings (rules 13.7)."""

from __future__ import annotations

from collections.abc import Mapping

from core.config.credentials import KEYRING_SERVICE, CredentialsError
from core.config.keyring_value import kept_value
from core.config.mail import MailSettings
from core.runtime.redaction import MASK, redact

VARIABLE = "SENEX_MAIL_PASSWORD"
KEYRING_NAME = "mail password"


def find_mail_password(settings: MailSettings, environ: Mapping[str, str], *, environment_only: bool) -> str | None:
    """The password of `mail.user`; None when mail is off or no user is set.

    `environment_only` is for a simulated broker: such a run reads nothing from the keyring (rules 9). Raises
    CredentialsError when a user is set and there is no password.
    """
    if not settings.is_on or settings.user is None:
        return None
    found, _ = _look_up(environ, environment_only=environment_only)
    redact.add(found)
    if not found:
        keyring = "" if environment_only else f", or store it: keyring set {KEYRING_SERVICE} '{KEYRING_NAME}'"
        raise CredentialsError(
            f"mail.user is {settings.user!r} but there is no password for it; set {VARIABLE} in the "
            f"environment{keyring}, or remove mail.user when the server asks for none."
        )
    return found


def mail_password_words(settings: MailSettings, environ: Mapping[str, str], *, environment_only: bool) -> str:
    """Where the password comes from, in words for people; never any part of it."""
    if not settings.is_on:
        return "not needed: mail is off"
    if settings.user is None:
        return "not needed: mail.user is not set"
    found, origin = _look_up(environ, environment_only=environment_only)
    if found:
        return f"{MASK}, from {origin}"
    keyring = "" if environment_only else f", or `keyring set {KEYRING_SERVICE} '{KEYRING_NAME}'`"
    return f"none found; set {VARIABLE}{keyring}"


def _look_up(environ: Mapping[str, str], *, environment_only: bool) -> tuple[str, str]:
    """The password and where it was found; two empty strings when there is none."""
    if environ.get(VARIABLE):
        return environ[VARIABLE], f"the environment ({VARIABLE})"
    kept = "" if environment_only else kept_value(KEYRING_NAME)
    return kept, f"the keyring (service {KEYRING_SERVICE})" if kept else ""
