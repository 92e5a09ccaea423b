"""Who commands is the system's user, whatever the environment says (rules 10)."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys

import pytest

from core.runtime.user import system_user


def test_the_environment_does_not_name_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "mallory")
    assert system_user() == pwd.getpwuid(os.geteuid()).pw_name != "mallory"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs the right to become another user")
@pytest.mark.parametrize(("uid", "expected"), [(pwd.getpwnam("nobody").pw_uid, "nobody"), (54_321, "uid 54321")])
def test_another_user_and_one_without_a_name(uid: int, expected: str) -> None:
    code = f"import os; from core.runtime.user import system_user; os.setuid({uid}); print(system_user())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"{expected}\n"
