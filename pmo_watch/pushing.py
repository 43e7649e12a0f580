"""Observers that push, as the daemon and `once` run them: when they push, who took it, and what that says of them.

What they send is a state and no message: nothing waits in the outbox, and the next push makes good what was lost.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import structlog

from pmo_watch.clock import Clock
from pmo_watch.errors import DeliveryDeferred, DeliveryError, StoreError
from pmo_watch.in_force import InForce, open_observers
from pmo_watch.log import Redaction
from pmo_watch.plain import NOTE, plain
from pmo_watch.store import Store
from pmo_watch.telemetry import Telemetry
from pmo_watch.telling import Observer, Pushes

LOG = structlog.get_logger("pmo_watch.pushing")
END_SECONDS = 2.0

Took = Mapping[str, DeliveryError | None]


@dataclass(frozen=True, slots=True, eq=False)
class Pusher:
    """An observer that pushes: the settings' name and type, how often, and how long a push may take."""

    name: str
    kind: str
    plugin: Pushes
    every_seconds: float
    deadline_seconds: float


def pushers(in_force: InForce, observers: Mapping[str, Observer]) -> Iterator[Pusher]:
    """Yield those of the open observers that push."""
    for name, entry in in_force.pushers().items():
        kind, opened = in_force.plugins.observers[entry.type], observers.get(name)
        if isinstance(opened, Pushes) and kind.every is not None:
            settings = entry.settings
            seconds = kind.every(settings).total_seconds()
            yield Pusher(name, entry.type, opened, seconds, kind.deadline_seconds(settings))


async def try_out(in_force: InForce, ask: Callable[[Pushes], Awaitable[Took]], only: str = "") -> dict[str, Took]:
    """Open each pusher, or one, ask it something, end it, and return by its name what its members say."""
    opened = open_observers(in_force, None, only=[only] if only else in_force.pushers())
    found: dict[str, Took] = {}
    for one in pushers(in_force, opened):
        found[one.name] = await _answered(one, partial(ask, one.plugin), _named)
        await _ended(one, _named)
    return found


def lines_of(took: Mapping[str, Took]) -> list[str]:
    """Return what each member of each pusher said, a line each."""
    return [
        f"{name}: {member}: {fault or 'accepted'}"
        for name, members in took.items()
        for member, fault in members.items()
    ]


def _named(surprise: Exception) -> DeliveryDeferred:
    return DeliveryDeferred("other", type(surprise).__name__)


async def _answered(
    one: Pusher, ask: Callable[[], Awaitable[Took]], surprised: Callable[[Exception], DeliveryDeferred]
) -> Took:
    """Ask a plugin, and turn whatever leaves it into an answer."""
    try:
        async with asyncio.timeout(one.deadline_seconds):
            return await ask()
    except DeliveryError as fault:
        return {one.name: fault}
    except TimeoutError:
        return {one.name: DeliveryDeferred("timeout", f"no end within {one.deadline_seconds:g} s")}
    except Exception as surprise:  # noqa: BLE001  # a plugin's bug is this push's error, not ours
        return {one.name: surprised(surprise)}


async def _ended(one: Pusher, surprised: Callable[[Exception], object]) -> None:
    try:
        async with asyncio.timeout(END_SECONDS):
            await one.plugin.end()
    except TimeoutError:
        LOG.warning("observer takes too long to end", notifier=one.name)
    except Exception as surprise:  # noqa: BLE001  # a plugin's bug keeps nothing else open
        surprised(surprise)


class Pushing:
    """Lets each pusher push at its interval and whenever alerts change; notes who took it."""

    def __init__(
        self,
        store: Store,
        in_force: InForce,
        observers: Mapping[str, Observer],
        clock: Clock,
        telemetry: Telemetry | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._telemetry = telemetry
        self._changed = asyncio.Event()
        self._failing: dict[tuple[str, str], str] = {}  # pusher and member -> reason
        self._faulty: dict[str, bool] = {}  # as the store has it; nothing at first
        self._surprises: set[tuple[str, str]] = set()
        self._take_up(in_force, observers)

    def _take_up(self, in_force: InForce, observers: Mapping[str, Observer]) -> None:
        self._in_force = in_force
        self._clean = Redaction(in_force.settings.secrets).clean
        self._faulty.clear()  # other settings: what the store says of them is to be written anew
        self._pushers = list(pushers(in_force, observers))
        self._news = {one.name: asyncio.Event() for one in self._pushers}

    def wake(self) -> None:
        """Push now: alerts have changed."""
        for news in self._news.values():
            news.set()

    def swap(self, in_force: InForce, observers: Mapping[str, Observer]) -> None:
        """Go on with the observers of new settings; the old ones are ended by `run`."""
        self._take_up(in_force, observers)
        self._changed.set()

    async def once(self) -> dict[str, Took]:
        """Let each pusher push once, end it, and return who took it."""
        found = {one.name: await self._push(one) for one in self._pushers}
        await self._end(self._pushers)
        return found

    async def run(self, stop: asyncio.Event) -> None:
        """Push until told to stop."""
        while not stop.is_set():
            self._changed.clear()
            working = self._pushers
            tasks = [asyncio.create_task(self._repeat(one, self._news[one.name])) for one in working]
            waits = [asyncio.create_task(event.wait()) for event in (stop, self._changed)]
            try:
                done, _ = await asyncio.wait([*tasks, *waits], return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (*tasks, *waits):
                    task.cancel()
                await asyncio.gather(*tasks, *waits, return_exceptions=True)
                await self._end(working)
            for task in done & {*tasks}:
                await task  # what it raised is a defect of ours and goes on

    async def _repeat(self, one: Pusher, news: asyncio.Event) -> None:
        while True:
            news.clear()
            await self._push(one)
            try:
                async with asyncio.timeout(one.every_seconds):
                    await news.wait()
            except TimeoutError:
                continue

    async def _push(self, one: Pusher) -> Took:
        began = time.perf_counter()
        took = await _answered(one, one.plugin.push, partial(self._surprised, one))
        if took:
            await self._note(one, took, time.perf_counter() - began)
        return took

    def _surprised(self, one: Pusher, surprise: Exception) -> DeliveryDeferred:
        kind = type(surprise).__name__
        if self._telemetry is not None:
            self._telemetry.plugin_failed("observer", self._in_force.plugins.plugin_of("observer", one.kind))
        if (one.name, kind) not in self._surprises:
            LOG.error("observer raised what it should not", notifier=one.name, exc_info=surprise)
        self._surprises.add((one.name, kind))
        return _named(surprise)

    async def _end(self, ended: list[Pusher]) -> None:
        for one in ended:
            await _ended(one, partial(self._surprised, one))

    # --- what is noted --------------------------------------------------------------------------------------------

    async def _note(self, one: Pusher, took: Took, seconds: float) -> None:
        faults = [fault for fault in took.values() if fault is not None]
        healthy = len(faults) < len(took)
        self._warn(one, took)
        if self._telemetry is not None:
            again = healthy or isinstance(faults[0], DeliveryDeferred)
            outcome = "accepted" if healthy else "deferred" if again else "rejected"
            self._telemetry.pushed(one.name, outcome, [fault.reason for fault in faults], seconds)
        broken = next((fault for fault in faults if fault.channel_fault), None) if not healthy else None
        await self._keep(one.name, broken)

    def _warn(self, one: Pusher, took: Took) -> None:
        """Say of each member when it stops taking what is pushed, and when it goes on."""
        for member, fault in took.items():
            before, now = self._failing.get((one.name, member), ""), fault.reason if fault else ""
            facts = {"notifier": one.name, "member": member}
            if fault is not None and before != now:
                said = self._clean(plain(fault.answer, NOTE))
                tell = LOG.error if fault.reason == "bad_request" else LOG.warning  # our own body: a defect of ours
                tell("member does not take what is pushed", reason=fault.reason, answer=said, **facts)
            elif before and not now:
                LOG.info("member takes what is pushed again", **facts)
            self._failing[one.name, member] = now

    async def _keep(self, name: str, broken: DeliveryError | None) -> None:
        """Let the store know of a fault of the channel, so that the ICT unit is told over another notifier."""
        if self._faulty.get(name) == (broken is not None):
            return
        now = self._clock.now()
        try:
            if broken is None:
                await asyncio.to_thread(self._store.reset_circuit, name)
            else:
                said = self._clean(plain(broken.answer, NOTE))
                await asyncio.to_thread(self._store.note_fault, name, now, broken.reason, said)
        except StoreError as fault:
            LOG.warning("the store does not answer", error=str(fault))
            return
        self._faulty[name] = broken is not None
