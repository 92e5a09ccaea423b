"""The system's user who runs this process: the name that commands are recorded under (rules 10)."""

from __future__ import annotations

import os
import pwd


def system_user() -> str:
    """The name of the user that the system runs this process as, or "uid 1000" when the system has no name for it.

    The environment (LOGNAME, USER) is never asked: whoever starts the process writes it.
    """
    uid = os.geteuid()
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
