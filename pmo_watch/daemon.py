"""Starts and stops everything: cycles in a worker thread; delivery, web and file watching beside them."""

import asyncio
import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from pmo_watch import __version__
from pmo_watch.clock import Clock
from pmo_watch.cycle import Draft, Engine, Stopped
from pmo_watch.errors import StoreError
from pmo_watch.in_force import InForce, close_observers, open_observers, read_alike, watched_paths, with_former_rules
from pmo_watch.log import learn_secrets
from pmo_watch.mailroom import Mailroom
from pmo_watch.memory import Known
from pmo_watch.operations import APPROVE
from pmo_watch.outgoing import channels
from pmo_watch.pushing import Pushing
from pmo_watch.reload import Plan, Standing, plan_reload
from pmo_watch.schedule import Timetable, Watch
from pmo_watch.sd import give_back, notify, place, watchdog_seconds
from pmo_watch.store import MarkKind, Store
from pmo_watch.tally import count_cycle, tell_names, tell_outbox
from pmo_watch.telemetry import Telemetry
from pmo_watch.telling import AsgiApp, ServesHttp
from pmo_watch.web import Backend, Reloaded, Served, Server, listening, server

LOG = structlog.get_logger("pmo_watch.daemon")
TICK = timedelta(seconds=60)  # digests, reminders and ends of silences fall due between readings
STOP_SECONDS = 3.5  # of the five that a stop may take
CLOSE_SECONDS = 0.5
LAST_SECONDS = 4.5  # a thread that waits for a dead file server cannot be stopped: then the process ends without it
WATCHING_SECONDS = 5  # how long the first reading waits for the files to be watched: a dead file server may hang
RETENTION_EVERY, RETENTION_AGAIN = timedelta(days=1), timedelta(hours=1)


class Daemon:
    """One process: leads, reads, evaluates, delivers, serves."""

    def __init__(self, in_force: InForce, store: Store, clock: Clock | None = None, ahead: Known | None = None) -> None:
        # Rules that changed while nothing ran are taken up like those that change while we run: by a reload.
        self._in_force = with_former_rules(in_force, store.marks(MarkKind.RULE_TEXT))
        self._outdated = self._in_force is not in_force
        in_force = self._in_force
        self._store = store
        self._clock = clock or Clock()
        self._telemetry = Telemetry()
        self._observing = partial(open_observers, metrics=self._telemetry, defect=self._defect, now=self._clock.now)
        self._observers = self._observing(in_force)
        self._engine = Engine(store, in_force, self._observers, self._defect, ahead)
        self._timetable = self._new_timetable()
        self._mailroom = Mailroom(store, in_force, self._clock, self._telemetry)
        self._pushing = Pushing(store, in_force, self._observers, self._clock, self._telemetry)
        self._watches: list[Watch] = []
        self._stop = asyncio.Event()
        self._wake = asyncio.Event()
        self._watching = asyncio.Event()
        self._asides: set[asyncio.Task[Reloaded]] = set()  # reloads that files or signals asked for
        self._reloading = asyncio.Lock()
        self._cycling = asyncio.Lock()
        self._http = in_force.settings.http  # as it is served
        self._served: Served | None = None
        self._first_cycle = False
        self._prune_at: datetime | None = None  # None: after the first cycle

    def stop(self) -> None:
        """Begin to stop; `run` ends within five seconds."""
        for event in (self._stop, self._wake, self._watching):
            event.set()

    def _defect(self, kind: str, name: str) -> None:
        self._telemetry.plugin_failed(kind, self._in_force.plugins.plugin_of(kind, name))

    def _new_timetable(self) -> Timetable:
        return Timetable({name: one.every for name, one in self._in_force.sources().items()}, self._clock.now())

    # --- life -----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT; then stop in order, within five seconds.

        Raises:
            ConfigError: the address cannot be bound.
        """
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self._told_to_stop)
        loop.add_signal_handler(signal.SIGHUP, self._reload_aside)
        async with contextlib.AsyncExitStack() as stack:
            bound = await self._bound(stack)
            await asyncio.to_thread(self._take_back, bound)
            tell_names(self._telemetry, self._in_force, self._clock.now())
            web = server(self._backend())
            self._served = web.served
            async with self._running(web, bound):
                await asyncio.to_thread(self._watch_files, loop)
                self._watching.set()
                notify("READY=1")
                LOG.info("started", version=__version__, listen=self._in_force.settings.http.listen)
                await self._stop.wait()
                notify("STOPPING=1")
                LOG.info("stopping")

    def _told_to_stop(self) -> None:
        last = threading.Timer(LAST_SECONDS, os._exit, (0,))
        last.daemon = True
        last.start()
        self.stop()

    async def _bound(self, stack: contextlib.AsyncExitStack) -> socket.socket:
        return await stack.enter_async_context(listening(self._in_force.settings.http))

    def _take_back(self, bound: socket.socket) -> None:
        """Free what a daemon had leased that was killed here: as long as we listen, no other one has our name."""
        name = f"{place()} {bound.getsockname()}"
        with contextlib.suppress(StoreError):  # then they run out by themselves
            if taken := self._store.deliver_as(name, self._clock.now()):
                LOG.info("sends again what was under way when the last daemon ended", messages=taken)

    @contextlib.asynccontextmanager
    async def _running(self, web: Server, bound: socket.socket) -> AsyncIterator[None]:
        tasks = [
            asyncio.create_task(self._cycles(), name="cycles"),
            asyncio.create_task(self._mailroom.run(self._stop), name="delivery"),
            asyncio.create_task(self._pushing.run(self._stop), name="pushing"),
            asyncio.create_task(web.serve(sockets=[bound]), name="web"),
            asyncio.create_task(self._alive(), name="alive"),
        ]
        for task in tasks:
            task.add_done_callback(self._ended)
        try:
            yield
        finally:
            self.stop()
            web.should_exit = True
            for task in await self._wind_up(tasks):
                if not task.cancelled() and (fault := task.exception()):
                    raise fault

    async def _wind_up(self, tasks: "Sequence[asyncio.Task[None]]") -> "set[asyncio.Task[None]]":
        """Let every task end, let go of what is open, and return the tasks that ended by themselves."""
        self._engine.stop()
        watches = asyncio.create_task(asyncio.to_thread(self._close_watches))
        done, late = await asyncio.wait(tasks, timeout=STOP_SECONDS)
        for task in (*late, *self._asides):
            task.cancel()
        await asyncio.gather(*late, *self._asides, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._mailroom.close()
        await watches
        close_observers(self._observers)
        return done

    def _close_watches(self) -> None:
        self._take_up([])

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
        async with self._cycling:
            await asyncio.to_thread(self._show)
        self._pushing.wake()
        if self._outdated:
            await self._reload()
        with contextlib.suppress(TimeoutError):  # else a file that is saved during the first reading would be missed
            await asyncio.wait_for(self._watching.wait(), WATCHING_SECONDS)
        while not self._stop.is_set():
            self._wake.clear()
            await self.cycle()
            now = self._clock.now()
            due = min(self._timetable.next() or now + TICK, now + TICK)
            self._telemetry.set_moment(self._telemetry.next_evaluation, due)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), max((due - now).total_seconds(), 0.2))

    def _show(self) -> None:
        """Show what is known already, so that nothing vanishes over a start or a reload."""
        with contextlib.suppress(StoreError, Stopped):  # the next cycle says so
            self._engine.show_stored(self._clock.now())

    async def cycle(self) -> Draft | None:
        """Run one cycle; what the store refuses is logged, and the next cycle begins where this one did."""
        async with self._cycling:
            now = self._clock.now()
            due = self._timetable.due(now)
            # Before they are read: a file that changes meanwhile is due again.
            self._timetable.asked(due, now)
            began = time.perf_counter()
            try:
                draft = await asyncio.to_thread(self._engine.cycle, now, due)
            except Stopped:
                return None
            except StoreError as fault:
                LOG.error("cycle not committed", error=str(fault))
                self._telemetry.cycles.labels("failure").inc()
                self._telemetry.store_up.set(0)
                for name in due:
                    self._timetable.changed(name, now + TICK)  # nothing of these readings was kept
                return None
            count_cycle(self._telemetry, draft, time.perf_counter() - began, self._clock.now())
            self._note_refusals(draft, now)
            if draft.advanced.transitions or not self._first_cycle:
                self._pushing.wake()
            self._first_cycle = True
            self._mailroom.wake()
            await self._prune(now)
            await asyncio.to_thread(give_back)
            return draft

    def _note_refusals(self, draft: Draft, now: datetime) -> None:
        for one in draft.readings:
            if one.refused:
                self._timetable.refused(one.source, now, draft.accepted[one.source].state.failures)
            if one.retry_after:
                # From now on, not from the cycle's beginning: the reading itself may have taken long.
                self._timetable.postponed(one.source, self._clock.now(), one.retry_after)

    async def _prune(self, now: datetime) -> None:
        if self._prune_at is not None and now < self._prune_at:
            return
        before = now - self._in_force.settings.retention
        try:
            await asyncio.to_thread(self._store.retention, before, self._in_force.zone)
            self._prune_at = now + RETENTION_EVERY
        except StoreError as fault:
            LOG.warning("old history not pruned, tried again in an hour", error=str(fault))
            self._prune_at = now + RETENTION_AGAIN

    # --- reload ---------------------------------------------------------------------------------------------------

    def _watch_files(self, loop: asyncio.AbstractEventLoop) -> None:
        """Watch what is in force; what was watched before is let go of after that, so that no change is missed."""

        def changed(name: str) -> None:
            self._timetable.changed(name, self._clock.now())
            loop.call_soon_threadsafe(self._wake.set)

        def edited() -> None:
            loop.call_soon_threadsafe(self._reload_aside)

        written = self._in_force.settings.written()
        wanted: list[tuple[Sequence[Path], Callable[[], None]]] = [(written, edited)]
        for name, paths in watched_paths(self._in_force, self._clock.now(), self._defect).items():
            wanted.append((paths, partial(changed, name)))
        fresh: list[Watch] = []
        for paths, tell in wanted:
            try:
                fresh.append(Watch(paths, tell))
            except OSError as fault:
                # Often fs.inotify.max_user_watches or max_user_instances is too low.
                LOG.warning("cannot watch, only read on time", paths=[str(one) for one in paths], error=fault.strerror)
        self._take_up(fresh)

    def _take_up(self, fresh: list[Watch]) -> None:
        before, self._watches = self._watches, fresh
        for watch in before:
            watch.close()

    def _reload_aside(self) -> None:
        """Reload without anybody waiting for it; while another reload runs, after that one."""
        aside = asyncio.get_running_loop().create_task(self._reload())
        self._asides.add(aside)
        aside.add_done_callback(self._asides.discard)

    async def reload(self) -> Reloaded:
        """Load settings and rules again and take them up between two cycles, or keep what must be kept."""
        if self._reloading.locked():
            return Reloaded(409, "a reload is running")
        return await self._reload()

    async def _reload(self) -> Reloaded:
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
            text = plan.text + self._after_a_start()
            LOG.info("reloaded", status=plan.status, rules=len(plan.in_force.rules.rules), text=text)
            return Reloaded(plan.status, text, plan.counts)

    def _after_a_start(self) -> str:
        """Say what of the settings in force is only taken up when the service is started again."""
        waiting = self._in_force.settings.http.beside(self._http)
        return f"; {', '.join(waiting)}: taken up when the service is started again" if waiting else ""

    def _plan(self) -> Plan:
        last_good = self._store.marks(MarkKind.RULE_TEXT)
        approved = APPROVE in self._store.marks(MarkKind.FLAG)
        snapshot = report.snapshot if (report := self._engine.report) else None
        standing = Standing(self._store.alerts(), self._store.told_on())
        plan = plan_reload(self._in_force, last_good, standing, snapshot, approved=approved)
        if approved and plan.in_force is not None:
            self._engine.forget(APPROVE)
        return plan

    async def _swap(self, new: InForce) -> None:
        learn_secrets(new.settings.secrets)
        async with self._cycling:
            before_them = self._observers
            if new.base is not self._in_force.base:
                self._observers = self._observing(new)
            former, self._in_force = self._in_force, new
            self._engine.swap(new, self._observers)
            await asyncio.to_thread(self._show)
            self._http = new.settings.http.served_on(self._http)
            if self._served is not None:
                self._served.take_up(self._backend())
            if before_them is not self._observers:
                self._pushing.swap(new, self._observers)
                close_observers(before_them)
            before, self._timetable = self._timetable, self._new_timetable()
            self._timetable.keep(before, read_alike(former, new))
            await self._mailroom.swap(new)
        tell_names(self._telemetry, self._in_force, self._clock.now())
        await asyncio.to_thread(self._watch_files, asyncio.get_running_loop())
        self._wake.set()

    # --- what is shown --------------------------------------------------------------------------------------------

    def _backend(self) -> Backend:
        in_force = self._in_force
        return Backend(
            http=self._http,
            store=self._store,
            telemetry=self._telemetry,
            zone=in_force.zone,
            calendar=in_force.calendars[in_force.organisation.calendar],
            language=in_force.organisation.language,
            now=self._clock.now,
            report=lambda: self._engine.report,
            waiting_for=self._waiting_for,
            reload=self.reload,
            channels=channels(in_force),
            mounts=self._mounts(),
        )

    def _mounts(self) -> Mapping[str, AsgiApp]:
        return {
            path: self._counted(name, app)
            for name, one in self._observers.items()
            if isinstance(one, ServesHttp)
            for path, app in one.mounts().items()
        }

    def _counted(self, name: str, app: AsgiApp) -> AsgiApp:
        """Return what an observer serves, with the figures of the store brought up to date before each answer."""
        kind = self._in_force.settings.notifiers[name].type

        async def answer(scope: Any, receive: Any, send: Any) -> None:
            await asyncio.to_thread(tell_outbox, self._telemetry, self._store, self._in_force.notifiers())
            try:
                await app(scope, receive, send)
            except Exception:
                self._defect("observer", kind)
                raise

        return answer

    def _waiting_for(self) -> list[str]:
        rules = bool(self._in_force.rules.rules) or not self._in_force.loaded.faults
        ready = {"store": self._store.answers(), "rules": rules, "first_cycle": self._first_cycle}
        return [name for name, is_ready in ready.items() if not is_ready]
