"""The processes of the proof: each is forked from one that has everything imported."""

from __future__ import annotations

import multiprocessing

CHILDREN = multiprocessing.get_context("forkserver")
CHILDREN.set_forkserver_preload(["tests.proofs.kill.fork_preload"])
