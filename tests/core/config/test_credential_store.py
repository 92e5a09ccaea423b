"""Where a login is stored, and that it is gone once removed."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.null import Keyring as ForgetfulKeyring
from keyring.errors import KeyringLocked, PasswordDeleteError

from core.config.credential_store import forget_login, keep_login
from core.config.credentials import CredentialsError, find_logins, login_name


class MemoryKeyring(KeyringBackend):
    """A keyring in memory, which can be locked."""

    priority = 1.0  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self.locked = False

    def _open(self) -> dict[str, str]:
        if self.locked:
            raise KeyringLocked("locked")
        return self.values

    def get_password(self, service: str, username: str) -> str | None:
        return self._open().get(username) if service == "senex" else None

    def set_password(self, service: str, username: str, password: str) -> None:
        self._open()[username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self._open().pop(username, None) is None:
            raise PasswordDeleteError(username)


@pytest.fixture(autouse=True)
def ring() -> Iterator[MemoryKeyring]:
    before = keyring.get_keyring()
    memory = MemoryKeyring()
    keyring.set_keyring(memory)
    yield memory
    keyring.set_keyring(before)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config" / "credentials"


def found(file: Path) -> list[tuple[str, str, str]]:
    return [(x.name, x.secret, x.refresh) for x in find_logins({}, file, environment_only=False)]


def test_the_keyring_keeps_logins_and_forgets_the_one_that_is_removed(file: Path, ring: MemoryKeyring) -> None:
    for name in ("primary", "roth", "wife"):
        assert keep_login(name, f"{name}-secret", f"{name}-refresh", file) == "the keyring (service senex)"
    keep_login("roth", "newer-secret", "newer-refresh", file)
    assert found(file) == [
        ("primary", "primary-secret", "primary-refresh"),
        ("roth", "newer-secret", "newer-refresh"),
        ("wife", "wife-secret", "wife-refresh"),
    ]
    assert not file.exists()
    assert forget_login("roth", file) == ("the keyring (service senex)",)
    assert [name for name, _, _ in found(file)] == ["primary", "wife"]
    assert not any("roth" in value or "newer" in value for value in (*ring.values, *ring.values.values()))
    assert forget_login("roth", file) == ()


def test_without_a_keyring_it_is_a_file_of_its_owner_alone(file: Path, ring: MemoryKeyring) -> None:
    ring.locked = True
    assert keep_login("roth", 'quo"ted\\é', "r", file) == f"file {file}"
    keep_login("primary", "p", "q", file)
    keep_login("primary", "newer", "q", file)
    assert found(file) == [("primary", "newer", "q"), ("roth", 'quo"ted\\é', "r")]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["credentials"], "nothing is left beside it"
    assert forget_login("primary", file) == (f"file {file}",)
    assert found(file) == [("roth", 'quo"ted\\é', "r")]


def test_a_keyring_that_forgets_is_none(file: Path) -> None:
    keyring.set_keyring(ForgetfulKeyring())
    assert keep_login("roth", "s", "r", file) == f"file {file}"
    assert found(file) == [("roth", "s", "r")]


def test_what_a_file_kept_before_does_not_come_back_when_the_keyring_is_locked(file: Path, ring: MemoryKeyring) -> None:
    ring.locked = True
    keep_login("roth", "older", "r", file)
    keep_login("wife", "w", "x", file)
    ring.locked = False
    keep_login("roth", "newer", "r", file)
    ring.locked = True
    assert found(file) == [("wife", "w", "x")]


def test_a_secret_that_cannot_be_written_changes_nothing(file: Path, ring: MemoryKeyring) -> None:
    ring.locked = True
    keep_login("roth", "s", "r", file)
    with pytest.raises(CredentialsError, match="cannot be printed") as refused:
        keep_login("wife", "a-secret\x1b", "r", file)
    assert "a-secret" not in str(refused.value)
    assert found(file) == [("roth", "s", "r")]


@pytest.mark.parametrize("text", ["", "1st", "a b", "../x", "x" * 33, "roth_ira"])
def test_a_name_that_cannot_be_kept_everywhere_is_refused(text: str) -> None:
    with pytest.raises(CredentialsError, match="a login's name must be"):
        login_name(text)


def test_a_name_is_kept_in_small_letters() -> None:
    assert login_name("Roth-1") == "roth-1"
