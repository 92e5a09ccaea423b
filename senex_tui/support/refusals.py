"""Failures in one sentence with its fix: what a user can mend is never shown as a traceback."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from core.runtime.redaction import redact
from senex_tui.support.crash_report import tell_crash

if TYPE_CHECKING:
    from core.broker.port import BrokerError

REFUSED_TO_START = 2


class Refused(Exception):
    """This run of `senex` does not start. The text says why and what to do."""


def sentences_for(failure: BaseException) -> tuple[str, ...] | None:
    """The sentences for a failure that a user can mend; None for a defect of ours."""
    # Imported here because these modules are heavy and needed only when something failed.
    from core.broker.port import BrokerError
    from core.config.credentials import CredentialsError
    from core.config.loader import SettingsError
    from core.locks.folder_lock import LockRefused
    from core.market.calendar import CalendarError
    from core.records.store.errors import RecordsError

    if isinstance(failure, BaseExceptionGroup):
        each = [sentences_for(inner) for inner in failure.exceptions]
        complete = [sentences for sentences in each if sentences]
        return complete[0] if complete and len(complete) == len(each) else None
    if isinstance(failure, SettingsError):
        return failure.sentences
    if isinstance(failure, (Refused, CalendarError, CredentialsError, LockRefused, RecordsError)):
        return (str(failure),)
    if isinstance(failure, BrokerError):
        return (_broker_sentence(failure),)
    if isinstance(failure, OSError):
        return _system_sentence(failure)
    return None


def explain(failure: BaseException) -> str:
    """The cause of the engine's end, as a sentence for its operator; a defect gets a crash report too."""
    sentences = sentences_for(failure)
    if sentences:
        return redact(" ".join(sentences))
    return tell_crash("the engine was", failure)


def _broker_sentence(failure: BrokerError) -> str:
    from core.broker.port import BrokerFault

    fixes = {
        BrokerFault.LOGIN_REFUSED: "check TT_SECRET and TT_REFRESH, and that the token was not revoked at the broker",
        BrokerFault.UNREACHABLE: "check the network and broker.url, then start again",
        BrokerFault.RATE_LIMITED: "wait a minute, then start again",
        BrokerFault.REFUSED: "see the log for the broker's answer",
        BrokerFault.NOT_FOUND: "see the log for the broker's answer",
        BrokerFault.UNREADABLE: "see the log for the broker's answer",
    }
    return f"the broker could not be used: {failure.detail.rstrip('.')}; {fixes[failure.fault]}."


def _system_sentence(failure: OSError) -> tuple[str, ...] | None:
    what = failure.filename or "a file"
    if failure.errno == errno.EADDRINUSE:
        return ("the port is in use by another program; choose another with --port, or 0 for a free one.",)
    if failure.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return (f"{what} cannot be written by this user; use --data-dir with a folder of yours.",)
    if failure.errno == errno.ENOSPC:
        return ("the disk is full; make room, then start again.",)
    if failure.errno in (errno.ENOTDIR, errno.EEXIST, errno.EISDIR):
        return (f"{what} is in the way where a folder is needed; use --data-dir with another folder.",)
    if failure.errno in (errno.ENOENT, errno.EINVAL, errno.ENAMETOOLONG, errno.ELOOP) and failure.filename:
        return (f"{what} cannot be made or used ({failure.strerror}); use --data-dir with a folder of yours.",)
    return None
