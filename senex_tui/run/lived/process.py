"""The process that lives days, as the one that asked for them sees it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable

import msgspec

from core.runtime.children import child_environment, python_child
from senex_tui.run.lived.order import Lived, LivedDay, LivedOrder
from senex_tui.support.refusals import Refused


def live_in_child(order: LivedOrder, told: Callable[[LivedDay], None]) -> Lived:
    """Lives the days in a child process and tells each. Blocks.

    Raises Refused with what the child said when it failed, and passes on KeyboardInterrupt; the child has then ended.
    """
    command = python_child("senex_tui.run.lived.child", msgspec.json.encode(order, enc_hook=str).decode())
    with subprocess.Popen(  # noqa: S603 - our own interpreter and module
        command,
        env=child_environment(os.environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # ctrl+c and a hangup reach only this process, which then ends the child
    ) as child:
        try:
            if child.stdout is None or child.stderr is None:
                raise Refused("the days could not be lived: their process has no output.")
            for line in child.stdout:
                said = msgspec.json.decode(line, type=dict[str, object])
                if "at" in said:
                    return msgspec.convert(said, Lived, strict=False)
                told(msgspec.convert(said, LivedDay, strict=False))
            words = child.stderr.read().strip().splitlines()
            raise Refused(f"the days could not be lived: {words[-1].rstrip('.') if words else 'their process ended'}.")
        finally:
            if child.stdin is not None:
                child.stdin.close()
            try:
                child.wait(timeout=5)
            except subprocess.TimeoutExpired:
                child.kill()
