"""The process that sends one message to a phone: an order on standard input, two lines on standard output.

The first line is empty and says that Apprise is loaded; the second is the answer.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import signal
import sys

MEMORY_BYTES = 2 * 1024**3


def main() -> None:
    """Ends with an answer on standard output; whoever started it may have ended meanwhile, so it ends itself too."""
    os.nice(10)  # first of all: loading Apprise costs more than sending
    order = json.load(sys.stdin)
    signal.alarm(int(order["within_s"]) + 5)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the address is in its memory
    logging.disable(logging.CRITICAL)
    from core.notify.phone_service import answer_to, service_at, watch_transport

    seen = watch_transport()
    service = service_at(order["address"])  # loads all services of Apprise, which is most of the work
    os.write(1, b"\n")
    fault, words = answer_to(order, service, seen)
    os.write(1, json.dumps({"fault": fault and fault.name, "words": words}).encode())
    os._exit(0)  # threads of Apprise are not waited for


if __name__ == "__main__":
    main()
