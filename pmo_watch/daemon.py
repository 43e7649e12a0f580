"""Starts and stops everything: cycles in a worker thread; delivery, web and file watching beside them."""

import asyncio
import contextlib
import signal
import socket
import time
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog

from pmo_watch import __version__
from pmo_watch.clock import Clock
from pmo_watch.cycle import Draft, Engine
from pmo_watch.errors import PmoWatchError, StoreError
from pmo_watch.in_force import InForce, open_observers, watched_paths
from pmo_watch.mailroom import Mailroom
from pmo_watch.reload import Plan, plan_reload
from pmo_watch.schedule import Timetable, Watch
from pmo_watch.sd import notify, watchdog_seconds
from pmo_watch.store import MarkKind, Store
from pmo_watch.telemetry import Names, Telemetry
from pmo_watch.telling import AsgiApp, Observer, ServesHttp
from pmo_watch.web import Backend, Reloaded, Server, listening, server

LOG = structlog.get_logger("pmo_watch.daemon")
TICK = timedelta(seconds=60)  # digests, reminders and ends of silences fall due between readings
STOP_SECONDS = 4.0  # of the five that a stop may take
APPROVE = "approve:reload"  # mark: a person lets a mass change through
RETENTION_EVERY = timedelta(days=1)


class Daemon:
    """One process: leads, reads, evaluates, delivers, serves."""

    def __init__(self, in_force: InForce, store: Store, clock: Clock | None = None) -> None:
        self._in_force = in_force
        self._store = store
        self._clock = clock or Clock()
        self._telemetry = Telemetry()
        self._observers: dict[str, Observer] = open_observers(in_force, self._telemetry)
        self._engine = Engine(store, in_force, self._observers)
        self._timetable = self._new_timetable()
        self._mailroom = Mailroom(store, in_force, self._clock, self._telemetry)
        self._watches: list[Watch] = []
        self._stop = asyncio.Event()
        self._wake = asyncio.Event()
        self._reloading = asyncio.Lock()
        self._cycling = asyncio.Lock()
        self._first_cycle = False
        self._pruned: datetime | None = None

    def stop(self) -> None:
        """Begin to stop; `run` ends within five seconds."""
        self._stop.set()
        self._wake.set()

    def _new_timetable(self) -> Timetable:
        return Timetable({name: one.every for name, one in self._in_force.sources().items()}, self._clock.now())

    # --- life -----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT; then stop in order, within five seconds.

        Raises:
            OSError: the address cannot be bound.
        """
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self.stop)
        loop.add_signal_handler(signal.SIGHUP, lambda: loop.create_task(self.reload()))
        async with listening(self._in_force.settings.http) as bound:
            self._tell_metrics()
            web = server(self._backend())
            async with self._running(web, bound):
                self._watch_files(loop)
                notify("READY=1")
                LOG.info("started", version=__version__, listen=self._in_force.settings.http.listen)
                await self._stop.wait()
                notify("STOPPING=1")
                LOG.info("stopping")

    @contextlib.asynccontextmanager
    async def _running(self, web: Server, bound: socket.socket) -> AsyncIterator[None]:
        tasks = [
            asyncio.create_task(self._cycles(), name="cycles"),
            asyncio.create_task(self._mailroom.run(self._stop), name="delivery"),
            asyncio.create_task(web.serve(sockets=[bound]), name="web"),
            asyncio.create_task(self._alive(), name="alive"),
        ]
        for task in tasks:
            task.add_done_callback(self._ended)
        try:
            yield
        finally:
            self._stop.set()
            self._wake.set()
            web.should_exit = True
            for watch in self._watches:
                await asyncio.to_thread(watch.close)
            done, late = await asyncio.wait(tasks, timeout=STOP_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
            await self._mailroom.close()
            for task in done:
                if not task.cancelled() and (fault := task.exception()):
                    raise fault

    def _ended(self, task: "asyncio.Task[None]") -> None:
        """End the daemon when one of its tasks has ended by itself: half a daemon helps nobody."""
        if not task.cancelled() and task.exception() and not self._stop.is_set():
            LOG.error("ended by a defect", task=task.get_name(), exc_info=task.exception())
            self._stop.set()

    async def _alive(self) -> None:
        seconds = watchdog_seconds()
        while not self._stop.is_set():
            if seconds:
                notify("WATCHDOG=1")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), seconds or 3600)

    # --- cycles ---------------------------------------------------------------------------------------------------

    async def _cycles(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            await self.cycle()
            now = self._clock.now()
            due = min(self._timetable.next() or now + TICK, now + TICK)
            self._telemetry.set_moment(self._telemetry.next_evaluation, due)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), max((due - now).total_seconds(), 0.2))

    async def cycle(self) -> Draft | None:
        """Run one cycle; what the store refuses is logged, and the next cycle begins where this one did."""
        async with self._cycling:
            now = self._clock.now()
            due = self._timetable.due(now)
            began = time.perf_counter()
            try:
                draft = await asyncio.to_thread(self._engine.cycle, now, due)
            except StoreError as fault:
                LOG.error("cycle not committed", error=str(fault))
                self._telemetry.cycles.labels("failure").inc()
                self._telemetry.store_up.set(0)
                for name in due:
                    self._timetable.asked(name, now)
                return None
            self._count(draft, time.perf_counter() - began)
            self._note_readings(draft, due, now)
            self._first_cycle = True
            self._mailroom.wake()
            await self._prune(now)
            return draft

    def _note_readings(self, draft: Draft, due: list[str], now: datetime) -> None:
        refused = {one.source: draft.accepted[one.source].state.failures for one in draft.readings if one.refused}
        for name in due:
            self._timetable.asked(name, now, refusals=refused.get(name, 0))

    async def _prune(self, now: datetime) -> None:
        if self._pruned is not None and now - self._pruned < RETENTION_EVERY:
            return
        self._pruned = now
        before = now - self._in_force.settings.retention
        with contextlib.suppress(StoreError):
            await asyncio.to_thread(self._store.retention, before, self._in_force.zone)

    # --- reload ---------------------------------------------------------------------------------------------------

    def _watch_files(self, loop: asyncio.AbstractEventLoop) -> None:
        for watch in self._watches:
            watch.close()

        def changed(name: str) -> None:
            self._timetable.changed(name, self._clock.now())
            loop.call_soon_threadsafe(self._wake.set)

        def edited() -> None:
            loop.call_soon_threadsafe(lambda: loop.create_task(self.reload()))

        settings = self._in_force.settings
        self._watches = [Watch([settings.rules, settings.path], edited)]
        for name, paths in watched_paths(self._in_force, self._clock.now()).items():
            self._watches.append(Watch(paths, lambda name=name: changed(name)))  # type: ignore[misc]

    async def reload(self) -> Reloaded:
        """Load settings and rules again and take them up between two cycles, or keep what must be kept."""
        if self._reloading.locked():
            return Reloaded(409, "a reload is running")
        async with self._reloading:
            try:
                plan = await asyncio.to_thread(self._plan)
            except StoreError as fault:
                return Reloaded(422, str(fault))
            self._telemetry.reload_waiting.set(plan.status == 202)
            self._telemetry.reload_good.set(plan.status == 200)
            if plan.in_force is None:
                LOG.warning("reload waits", text=plan.text)
                return Reloaded(plan.status, plan.text)
            await self._swap(plan.in_force)
            LOG.info("reloaded", status=plan.status, rules=len(plan.in_force.rules.rules))
            return Reloaded(plan.status, plan.text, plan.counts)

    def _plan(self) -> Plan:
        last_good = self._store.marks(MarkKind.RULE_TEXT)
        approved = APPROVE in self._store.marks(MarkKind.FLAG)
        report = self._engine.report
        snapshot = report.snapshot if report else None
        plan = plan_reload(self._in_force, last_good, self._store.alerts(), snapshot, approved=approved)
        if approved and plan.in_force is not None:
            self._engine.forget(APPROVE)
        return plan

    async def _swap(self, new: InForce) -> None:
        async with self._cycling:
            if new.base is not self._in_force.base:
                self._observers = open_observers(new, self._telemetry)
            self._in_force = new
            self._engine.swap(new, self._observers)
            self._timetable = self._new_timetable()
            await self._mailroom.swap(new)
        self._tell_metrics()
        self._watch_files(asyncio.get_running_loop())
        self._wake.set()

    # --- what is shown --------------------------------------------------------------------------------------------

    def _backend(self) -> Backend:
        in_force = self._in_force
        return Backend(
            http=in_force.settings.http,
            store=self._store,
            telemetry=self._telemetry,
            zone=in_force.zone,
            calendar=in_force.calendars[in_force.organisation.calendar],
            language=in_force.organisation.language,
            now=self._clock.now,
            report=lambda: self._engine.report,
            waiting_for=self._waiting_for,
            reload=self.reload,
            mounts=self._mounts(),
        )

    def _mounts(self) -> Mapping[str, AsgiApp]:
        paths = [path for one in self._observers.values() if isinstance(one, ServesHttp) for path in one.mounts()]

        def serve(path: str) -> AsgiApp:
            async def answer(scope: Any, receive: Any, send: Any) -> None:
                # Looked up at each request: a reload may have put another observer in its place.
                now = [one for one in self._observers.values() if isinstance(one, ServesHttp)]
                app = next(one.mounts()[path] for one in now if path in one.mounts())
                await asyncio.to_thread(self._before_metrics)
                await app(scope, receive, send)

            return answer

        return {path: serve(path) for path in paths}

    def _waiting_for(self) -> list[str]:
        return [
            name
            for name, ready in (
                ("store", self._store.answers()),
                ("rules", bool(self._in_force.rules.rules) or not self._in_force.loaded.faults),
                ("first_cycle", self._first_cycle),
            )
            if not ready
        ]

    def _tell_metrics(self) -> None:
        """Export every name in force from zero on."""
        in_force, plugins = self._in_force, self._in_force.plugins
        names = Names(
            rules=list(in_force.rules.rules),
            files=sorted({*in_force.loaded.texts, *in_force.rules.stale_files}),
            sources={name: _max_age(one.every) for name, one in in_force.sources().items()},
            notifiers=list(in_force.notifiers()),
            audiences=list(in_force.rules.audiences),
            plugins=[(one.name, one.version, kind) for one in plugins.loaded for kind in one.kinds],
        )
        telemetry = self._telemetry
        telemetry.start(names, __version__)
        telemetry.leader.set(1)
        telemetry.store_up.set(1)
        telemetry.config_hash.set(int(in_force.rules.hash[:12] or "0", 16))
        telemetry.reload_good.set(not in_force.loaded.faults)
        telemetry.set_moment(telemetry.reload_at, self._clock.now())
        rules = in_force.rules.rules.values()
        telemetry.rules.labels("active").set(sum(one.enabled for one in rules))
        telemetry.rules.labels("disabled").set(sum(not one.enabled for one in rules))
        for file in in_force.loaded.texts:
            telemetry.rule_file_stale.labels(file).set(file in in_force.rules.stale_files)

    def _before_metrics(self) -> None:
        """Bring the figures up to date that live in the store."""
        telemetry = self._telemetry
        try:
            figures = self._store.outbox_figures()
        except PmoWatchError:
            telemetry.store_up.set(0)
            return
        telemetry.store_up.set(1)
        told = self._in_force.notifiers()
        for name in told:
            for outcome in ("waiting", "leased", "deferred"):
                telemetry.outbox.labels(name, outcome).set(0)
            telemetry.dead_letters.labels(name).set(figures.dead_letters.get(name, 0))
        for (name, state), count in figures.counts.items():
            if name in told and state.value in {"waiting", "leased", "deferred"}:
                telemetry.outbox.labels(name, state.value).set(count)
        telemetry.show_oldest(figures.oldest_due)

    def _count(self, draft: Draft, seconds: float) -> None:
        telemetry = self._telemetry
        bad = [one for one in draft.findings if one.failed]
        outcomes = {draft.accepted[one.source].state.outcome for one in draft.readings}
        partial = bad or any(one is not None and one.value != "complete" for one in outcomes)
        telemetry.cycles.labels("partial" if partial else "success").inc()
        telemetry.cycle_seconds.observe(seconds)
        telemetry.set_moment(telemetry.last_evaluation, self._clock.now())
        for one in draft.findings:
            telemetry.evaluations.labels(one.rule).inc()
            if one.failed:
                telemetry.evaluation_failures.labels(one.rule).inc()
                LOG.warning("rule failed", rule=one.rule, error=one.failed)
        for step in draft.advanced.transitions:
            telemetry.transitions.labels(step.reason.value).inc()
        telemetry.flapping.set(sum(one.flapping for one in draft.advanced.current))
        for reason, count in draft.routed.held.items():
            telemetry.held.labels(reason).inc(count)
        for audience, count in draft.routed.unresolved.items():
            telemetry.unresolved.labels(audience).inc(count)
        for message, rendered in draft.messages:
            if rendered.trimmed:
                telemetry.trimmed.labels(message.notifier).inc(rendered.trimmed)
        self._count_readings(draft)

    def _count_readings(self, draft: Draft) -> None:
        telemetry = self._telemetry
        for reading in draft.readings:
            accepted = draft.accepted[reading.source]
            state, name = accepted.state, reading.source
            telemetry.set_moment(telemetry.source_attempt.labels(name), state.read_at)
            telemetry.set_moment(telemetry.source_success.labels(name), state.last_good)
            telemetry.source_readings.labels(name, state.outcome.value if state.outcome else "failed").inc()
            telemetry.source_rejected.labels(name).set(state.rejected)
            telemetry.source_seconds.labels(name).observe(reading.summary.cost.get("seconds", 0.0))
            if reading.outcome.value == "failed":
                telemetry.source_failures.labels(name, "auth" if reading.refused else "bad_data").inc()
            for entity, frame in accepted.rows.items():
                telemetry.source_records.labels(name, entity).set(frame.height)


def _max_age(every: timedelta) -> float:
    """Return after how many seconds without a good reading data count as stale: three tries and an hour."""
    return every.total_seconds() * 3 + 3600
