"""Work on one key takes turns; other keys go on meanwhile; nothing is kept of a key that nobody wants."""

from __future__ import annotations

import asyncio

import pytest

from core.runtime.keyed_locks import KeyedLocks


def test_the_holders_of_one_key_take_turns_in_the_order_in_which_they_came() -> None:
    async def scene() -> None:
        locks, seen = KeyedLocks(), list[str]()

        async def work(name: str) -> None:
            async with locks.of("one"):
                seen.append(f"{name} begins")
                await asyncio.sleep(0)
                seen.append(f"{name} ends")

        await asyncio.gather(*(work(name) for name in "abc"))
        assert seen == [f"{name} {what}" for name in "abc" for what in ("begins", "ends")]
        assert len(locks) == 0

    asyncio.run(scene())


def test_another_key_does_not_wait() -> None:
    async def scene() -> None:
        locks = KeyedLocks()
        async with locks.of("one"), asyncio.timeout(5), locks.of("two"):
            assert len(locks) == 2
        assert len(locks) == 0

    asyncio.run(scene())


def test_one_who_waits_and_is_cancelled_leaves_the_lock_to_the_next() -> None:
    async def scene() -> None:
        locks, entered = KeyedLocks(), list[str]()

        async def work(name: str) -> None:
            async with locks.of("one"):
                entered.append(name)

        async with locks.of("one"):
            given_up, next_one = asyncio.create_task(work("given up")), asyncio.create_task(work("next"))
            await asyncio.sleep(0)
            given_up.cancel()
            await asyncio.wait({given_up})
            assert entered == []
        await next_one
        assert entered == ["next"]
        assert len(locks) == 0

    asyncio.run(scene())


def test_a_failure_gives_the_lock_back() -> None:
    async def scene() -> None:
        locks = KeyedLocks()
        with pytest.raises(ValueError, match="broken"):
            async with locks.of("one"):
                raise ValueError("broken")
        assert len(locks) == 0
        async with asyncio.timeout(5), locks.of("one"):
            pass

    asyncio.run(scene())
