"""Imports the slow modules once and forks a process for each job: `python -m tests.support.forkserver SOCKET_FD`.

A job brings its three standard streams and a socket. Over that socket the process id goes back, and the exit code at
the end. A forked process behaves and ends as a new interpreter would.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import sys
import threading
import time
from typing import Any

SLOW = (
    "aiosqlite",
    "alembic.command",
    "anyio._backends._asyncio",
    "core.simulator.wire.server",
    "sqlalchemy.dialects.sqlite.aiosqlite",
    "tastytrade.paper",
    "typer",
    # Textual, which reads the environment when it is imported, and the command line, which does too, are not here.
    "senex_tui.reports.accounts",
    "senex_tui.reports.day",
    "senex_tui.doctor.machine",
    "senex_tui.reports.history",
    "senex_tui.support.logs",
    "senex_tui.run.once",
    "senex_tui.reports.figures",
    "senex_tui.trader.send_command",
    "senex_tui.reports.status",
    "senex_tui.run.hosted",
    "senex_tui.run.wiring",
)
MOST_FDS = 4
LARGEST_READ = 1_000_000


def serve(jobs: socket.socket) -> dict[str, Any] | None:
    """Forks a child for each job until the other end closes. Returns the job in each child, and None in the parent at
    the end."""
    wake, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    running: dict[int, socket.socket] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(jobs, selectors.EVENT_READ)
        selector.register(wake, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj == wake:
                    os.read(wake, 1000)
                    _tell_ended(running)
                    continue
                message, fds, _, _ = socket.recv_fds(jobs, LARGEST_READ, MOST_FDS)
                while message and not message.endswith(b"\n"):
                    message += jobs.recv(LARGEST_READ)
                if not message:
                    return None
                *streams, answers = fds
                child = os.fork()
                if child == 0:
                    signal.set_wakeup_fd(-1)
                    selector.close()
                    for fd in (wake, woken, answers, jobs.fileno(), *(other.fileno() for other in running.values())):
                        os.close(fd)
                    job: dict[str, Any] = json.loads(message)
                    _become(job, streams)
                    return job
                for fd in streams:
                    os.close(fd)
                running[child] = socket.socket(fileno=answers)
                running[child].sendall(f"{child:10}".encode())


def _tell_ended(running: dict[int, socket.socket]) -> None:
    for child in tuple(running):
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            with running.pop(child) as answers:
                try:
                    answers.sendall(f"{os.waitstatus_to_exitcode(status):6}".encode())
                except BrokenPipeError:  # nobody waits for it any more
                    continue


def _become(job: dict[str, Any], streams: list[int]) -> None:
    """Sets the streams, environment, folder, arguments and signals as a new process has them."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if job["session"]:
        os.setsid()
    for number, fd in enumerate(streams):
        os.dup2(fd, number)
    for fd in streams:
        os.close(fd)
    os.environ.clear()
    os.environ.update(job["environ"])
    time.tzset()
    os.chdir(job["folder"])
    sys.argv = job["arguments"]
    unbuffered = "PYTHONUNBUFFERED" in os.environ
    sys.stdin = sys.__stdin__ = open(0, encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115
    sys.stdout = sys.__stdout__ = _output(1, "surrogateescape", by_line=os.isatty(1), unbuffered=unbuffered)
    sys.stderr = sys.__stderr__ = _output(2, "backslashreplace", by_line=True, unbuffered=unbuffered)


def _output(fd: int, errors: str, *, by_line: bool, unbuffered: bool) -> Any:
    encoding, _, asked = os.environ.get("PYTHONIOENCODING", "utf-8").partition(":")
    errors = asked or (errors if encoding == "utf-8" or fd == 2 else "strict")
    stream = open(fd, "w", buffering=1 if by_line else -1, encoding=encoding, errors=errors, closefd=False)  # noqa: SIM115
    if unbuffered:
        stream.reconfigure(write_through=True)
    return stream


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # from the tests' terminal; the tests end this by its socket
    jobs = socket.socket(fileno=int(sys.argv[1]))
    for name in SLOW:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    job = serve(jobs)
    if job is None:
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        if job["module"] is None:
            from senex_tui.cli.main import main as senex

            sys.exit(senex())
        runpy.run_module(job["module"], run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        _end(ended.code)
    _end(0)


def _end(code: Any) -> None:
    """Does what the interpreter does at its end, except tearing down every module, which takes longer than most
    commands."""
    if code is not None and not isinstance(code, int):
        sys.stderr.write(f"{code}\n")
        code = 1
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code or 0)


if __name__ == "__main__":
    main()
