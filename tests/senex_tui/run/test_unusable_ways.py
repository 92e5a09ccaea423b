"""A password or an address that a start does not find keeps nothing from being traded: it is said, and what is due
waits."""

from __future__ import annotations

import asyncio
import json

import pytest
from keyring.errors import KeyringLocked

from core.config.loader import load_settings
from core.notify.mailer import MailError, MailFault
from core.snapshot import Mode
from senex_tui.run.wiring import mailer_for, phones_for
from tests.support.senex_command import Box

LOGIN = {"TT_SECRET": "secret-ok", "TT_REFRESH": "refresh-ok"}
MAIL = {"HOST": "127.0.0.1", "PORT": "1", "SENDER": "a@b.test", "OPERATOR": "a@b.test", "USER": "someone"}


@pytest.fixture
def locked_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    import keyring

    def locked(service: str, name: str) -> str:
        raise KeyringLocked

    monkeypatch.setattr(keyring, "get_password", locked)
    monkeypatch.delenv("SENEX_MAIL_PASSWORD", raising=False)


@pytest.mark.usefixtures("locked_keyring")
async def test_a_locked_keyring_leaves_a_way_that_says_what_is_missing() -> None:
    settings = load_settings(None, {f"SENEX_MAIL__{name}": value for name, value in MAIL.items()}).settings
    phones = {"SENEX_NOTIFY__KEYRING": "true", "SENEX_NOTIFY__URLS": "ntfy://a-topic-of-the-settings"}
    mailer = mailer_for(settings.mail, Mode.LIVE)
    assert mailer is not None
    usable, lacking = phones_for(load_settings(None, phones).settings, Mode.LIVE, has_mail=True)
    assert usable.server == "ntfy://****"
    for way, begins in ((mailer, "mail.user is 'someone' but"), (lacking, "notify.keyring is true but")):
        with pytest.raises(MailError) as failed:
            await way.check()
        assert failed.value.fault is MailFault.UNUSABLE
        assert failed.value.detail.startswith(begins)
        assert failed.value.detail.endswith("; the next start finds it")


async def test_a_cycle_trades_without_the_password_of_the_mail_and_says_so(box: Box, simulator_url: str) -> None:
    environ = {f"SENEX_MAIL__{name}": value for name, value in MAIL.items()} | {"SENEX_MAIL__SECURITY": "none"}
    environ |= LOGIN | {"SENEX_BROKER__URL": simulator_url}
    done = await asyncio.to_thread(box.run, "once", "--wait", "5", **environ)
    assert done.returncode == 0, done.stderr
    status = json.loads((await asyncio.to_thread(box.run, "status", "--json", **environ)).stdout)
    assert status["mail"]["waiting"] >= 1
    assert status["mail"]["failing"].startswith("mail.user is 'someone' but there is no password for it")
