"""A watcher gets what is published, complete and in order; whatever happens to Redis, the trader goes on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal

import pytest

from core.domain.operation.events import Severity
from core.remote.follower import OtherVersion
from core.remote.link import RedisLink
from core.remote.quote_hashes import QuoteReader
from core.snapshot import Health
from tests.core.remote.publishing_trader import KEYS, Reading, Trader, until
from tests.support.console.scenes import SCENES
from tests.support.valkey import Valkey


@pytest.fixture
async def trader(valkey: Valkey) -> AsyncIterator[Trader]:
    yield (made := Trader(valkey.url, step_s=5))
    await made.link.close()


@pytest.fixture
async def reading(valkey: Valkey) -> AsyncIterator[Reading]:
    yield (made := Reading.of(valkey.url))
    await made.link.close()


async def test_every_screen_arrives_as_it_was_by_what_changed(trader: Trader, reading: Reading) -> None:
    await trader.publisher.publish()
    assert await reading.poll() == trader.shown
    for scene in SCENES.values():
        trader.shown = scene()
        await trader.publisher.publish()
        assert await reading.poll() == trader.shown
    assert reading.follower.wholes == 1


async def test_a_watcher_that_comes_later_sees_the_same(trader: Trader, reading: Reading) -> None:
    for detail in ("one", "two", "three"):
        trader.show(detail)
        await trader.publisher.publish()
    late = Reading.of(f"unix://{reading.link.address.removeprefix('the Redis at ')}")
    await late.poll()
    assert await late.poll() == trader.shown
    await late.link.close()


async def test_the_stream_is_bounded_and_a_gap_means_the_whole_snapshot(
    trader: Trader, reading: Reading, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.remote.publisher.WHOLE_EVERY_S", 0.0)
    await trader.publisher.publish()
    await reading.poll()
    for number in range(700):
        trader.show(f"step {number}")
        await trader.publisher.publish()
    assert int(valkey.client.xlen(KEYS.events)) <= 600  # type: ignore[arg-type]
    # A stream is trimmed by whole blocks: cut to the newest, as it is for one who was away for long.
    valkey.client.xtrim(KEYS.events, maxlen=1, approximate=False)
    assert (await reading.until("step 699")) == trader.shown
    assert reading.follower.wholes == 2


async def test_a_new_trader_is_followed_from_its_own_snapshot(trader: Trader, reading: Reading, valkey: Valkey) -> None:
    trader.show("before")
    await trader.publisher.publish()
    await reading.until("before")
    other = Trader(valkey.url, epoch="2@later", step_s=5)
    other.show("after")
    await other.publisher.publish()
    assert (await reading.until("after")) == other.shown
    assert reading.follower.wholes == 2
    await other.link.close()


async def test_a_trader_of_another_version_is_refused_in_one_sentence(
    trader: Trader, reading: Reading, valkey: Valkey
) -> None:
    await trader.publisher.publish()
    valkey.client.hset(KEYS.trader, mapping={"version": "99", "senex": "9.9"})
    with pytest.raises(OtherVersion, match=r"another version of senex \(9.9.*install the same version"):
        await reading.poll()


async def test_secrets_are_taken_out_of_what_is_published(
    trader: Trader, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.runtime.redaction import Redactor

    monkeypatch.setattr("core.remote.publisher.redact", Redactor("s3cret-word"))
    await trader.publisher.publish()
    trader.show("the broker said s3cret-word")
    await trader.publisher.publish()
    monkeypatch.setattr("core.remote.publisher.WHOLE_EVERY_S", 0.0)
    trader.show("the broker said s3cret-word twice")
    await trader.publisher.publish()
    held = [valkey.client.dump(key) or b"" for key in valkey.client.scan_iter("*")]
    assert len(held) == 3
    assert valkey.client.xrange(KEYS.events)[-1][1][b"changed"].count(b"****") == 1  # type: ignore[index]
    shown = [*valkey.client.hgetall(KEYS.snapshot).values(), str(valkey.client.xrange(KEYS.events)).encode()]  # type: ignore[union-attr]
    assert not any(b"s3cret" in value for value in shown)


# Whatever Redis does


@contextmanager
def _stopped(server: Valkey) -> Iterator[None]:
    with server.stopped():
        yield


@contextmanager
def _killed(server: Valkey) -> Iterator[None]:
    server.kill()
    try:
        yield
    finally:
        server.start()


@contextmanager
def _read_only(server: Valkey) -> Iterator[None]:
    server.client.replicaof("127.0.0.1", "1")
    yield
    server.client.replicaof("NO", "ONE")


@contextmanager
def _full(server: Valkey) -> Iterator[None]:
    server.client.config_set("maxmemory", "1")
    yield
    server.client.config_set("maxmemory", "0")


@contextmanager
def _not_allowed(server: Valkey) -> Iterator[None]:
    server.client.execute_command("ACL", "SETUSER", "default", "-hset")
    yield
    server.client.execute_command("ACL", "SETUSER", "default", "+hset")


TROUBLES: dict[str, tuple[Callable[[Valkey], object], str]] = {
    "slow": (_stopped, "did not answer in time"),
    "down": (_killed, "cannot be reached"),
    "read-only": (_read_only, "is a read-only replica"),
    "full": (_full, "is full"),
    "not allowed": (_not_allowed, "does not allow this user"),
}


@pytest.mark.parametrize("what", TROUBLES)
async def test_the_trader_goes_on_says_so_and_publishes_again_by_itself(
    own_valkey: Valkey, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.remote.publisher.AGAIN_S", 0.1)
    trouble, sentence = TROUBLES[what]
    trader, reading = Trader(own_valkey.url), Reading.of(own_valkey.url)
    trader.show("before")
    trader.quote("QQQ", "600")

    async def told() -> bool:
        return bool(trader.said)

    async def well() -> bool:
        return trader.publisher.health.health is Health.OK

    async with trader.running():
        await reading.until("before")
        with trouble(own_valkey):  # type: ignore[attr-defined]
            turns = await _turns_until(told)
            assert turns >= 10 or what != "slow"  # the link waits for 0.3 s, the engine's loop for nothing
            assert trader.publisher.health.health is Health.DOWN
            assert len(trader.said) == 1
            severity, text = trader.said[0]
            assert severity is Severity.WARNING
            assert sentence in text
            assert "Trading goes on" in text
            trader.quote("QQQ", "601")  # and the trader's quotes come from its own memory
            found = trader.store.quote("QQQ")
            assert found is not None
            assert found.bid == Decimal(601)
            trader.show("meanwhile")
        await until(well)
        await reading.until("meanwhile")
        seen = await QuoteReader(reading.link, KEYS, trader.clock).read(["QQQ"])
        read = seen.quote("QQQ")
        assert read is not None
        assert read.bid == Decimal(601)
    assert [severity for severity, _ in trader.said] == [Severity.WARNING, Severity.INFO]
    await reading.link.close()


async def test_a_flushed_redis_is_filled_again(valkey: Valkey, trader: Trader, reading: Reading) -> None:
    trader.quote("QQQ", "600")
    trader.show("before")
    async with trader.running():
        await reading.until("before")
        valkey.client.flushall()
        trader.show("after")
        await reading.until("after")

        async def priced() -> bool:
            seen = await QuoteReader(reading.link, KEYS, trader.clock).read(["QQQ"])
            return seen.quote("QQQ") is not None

        await until(priced)
    assert trader.said == []


async def test_a_thousand_quotes_a_second_are_written_ten_times_at_most(valkey: Valkey, trader: Trader) -> None:
    async with trader.running():
        before = int(valkey.client.info("commandstats").get("cmdstat_xadd", {}).get("calls", 0))  # type: ignore[union-attr]
        began = time.monotonic()
        for number in range(500):
            trader.quote("QQQ", str(number))
            trader.show(str(number))
            await asyncio.sleep(0.001)
        spent = time.monotonic() - began
        after = int(valkey.client.info("commandstats")["cmdstat_xadd"]["calls"])  # type: ignore[index]
    assert 1 <= after - before <= spent * 10 + 2


async def test_a_failure_is_one_sentence_without_the_password() -> None:
    link = RedisLink("redis://user:pa55word@127.0.0.1:1/0", 1.0)
    with pytest.raises(Exception, match=r"^the Redis at 127\.0\.0\.1:1 cannot be reached") as found:
        await link.exchange(lambda pipeline: pipeline.ping())
    assert "pa55word" not in str(found.value)
    await link.close()


async def test_the_whole_snapshot_is_renewed_now_and_then(
    trader: Trader, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.remote.publisher.WHOLE_EVERY_S", 0.0)
    await trader.publisher.publish()
    trader.show("one")
    await trader.publisher.publish()
    trader.show("two")
    await trader.publisher.publish()
    held = valkey.client.hgetall(KEYS.snapshot)
    numbers = [fields[b"sequence"] for _, fields in valkey.client.xrange(KEYS.events)]  # type: ignore[union-attr]
    assert held[b"sequence"] == numbers[1]  # type: ignore[index]
    assert b'"one"' in held[b"snapshot"]  # type: ignore[index]


async def _turns_until(true: Callable[[], Awaitable[bool]]) -> int:
    """How often this loop turned while it waited; a blocked loop does not turn."""
    turns = 0
    async with asyncio.timeout(10):
        while not await true():
            turns += 1
            await asyncio.sleep(0.005)
    return turns


async def test_a_publisher_that_begins_again_in_the_same_run_is_followed(
    trader: Trader, reading: Reading, valkey: Valkey
) -> None:
    for detail in ("one", "two", "three"):
        trader.show(detail)
        await trader.publisher.publish()
    await reading.until("three")
    again = Trader(valkey.url, step_s=5)
    again.show("again")
    await again.publisher.publish()
    assert (await reading.until("again")) == again.shown
    await again.link.close()


async def test_two_traders_under_one_name_both_say_so(trader: Trader, valkey: Valkey) -> None:
    other = Trader(valkey.url, epoch="7@elsewhere", step_s=5)
    for _ in range(2):
        for each in (trader, other):
            await each.publisher.publish()
    for each in (trader, other):
        [(severity, text)] = each.said
        assert severity is Severity.WARNING
        assert "another trader publishes as senex" in text
        assert "redis.name" in text
    await other.link.close()
