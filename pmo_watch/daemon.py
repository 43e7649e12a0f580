"""Starts and stops everything: cycles in a worker thread; delivery, web and file watching beside them."""

import asyncio
import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from functools import partial

import structlog

from pmo_watch import __version__
from pmo_watch.clock import Clock
from pmo_watch.cycle import Draft, Stopped
from pmo_watch.errors import StoreError
from pmo_watch.in_force import InForce, close_observers, open_observers, read_alike, watched_paths, with_former_rules
from pmo_watch.leading import Leading
from pmo_watch.log import learn_secrets
from pmo_watch.mailroom import Mailroom
from pmo_watch.memory import Known
from pmo_watch.operations import APPROVE
from pmo_watch.outgoing import channels
from pmo_watch.paged import Behind, in_use
from pmo_watch.pruning import Pruning
from pmo_watch.pushing import Pushing
from pmo_watch.reload import Plan, Standing, plan_reload
from pmo_watch.remembering import Remembering
from pmo_watch.schedule import Timetable
from pmo_watch.scraped import Scraped
from pmo_watch.sd import give_back, keep_alive, notify, place
from pmo_watch.store import MarkKind, Store
from pmo_watch.tally import count_cycle, tell_names
from pmo_watch.telemetry import Telemetry
from pmo_watch.watches import Watches
from pmo_watch.web import Backend, Reloaded, Served, Server, listening, server

LOG = structlog.get_logger("pmo_watch.daemon")
TICK = timedelta(seconds=60)  # digests, reminders and ends of silences fall due between readings
STOP_SECONDS = 3.5  # of the five that a stop may take
CLOSE_SECONDS = 0.5
LAST_SECONDS = 4.5  # a thread that waits for a dead file server cannot be stopped: then the process ends without it
WATCHING_SECONDS = 5  # how long the first reading waits for the files to be watched: a dead file server may hang
FOLLOW_SECONDS = 5.0  # how often a daemon that does not lead looks for what the leader has committed


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
        self._memory = Remembering(store, in_force, self._observers, self._clock.now, self._defect, ahead)
        self._timetable = self._new_timetable()
        self._mailroom = Mailroom(store, in_force, self._clock, self._telemetry)
        self._pushing = Pushing(store, in_force, self._observers, self._clock, self._telemetry)
        self._pruning = Pruning(store)
        self._scraped = Scraped(self._telemetry, store)
        self._watches = Watches()
        self._stop = asyncio.Event()
        self._wake = asyncio.Event()
        self._watching = asyncio.Event()
        self._asides: set[asyncio.Task[Reloaded]] = set()  # reloads that files or signals asked for
        self._reloading = asyncio.Lock()
        self._cycling = asyncio.Lock()
        self._http = in_force.settings.http  # as it is served
        self._served: Served | None = None
        self._first_cycle = False
        self._term: int | None = None  # in which what we remember is what the store holds
        self._leading = Leading(store, in_force.settings.ha.takeover, self._telemetry, self._wake.set)

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
            StoreError: the database does not answer, or is a SQLite file on which another daemon runs.
        """
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self._told_to_stop)
        loop.add_signal_handler(signal.SIGHUP, self._reload_aside)
        async with contextlib.AsyncExitStack() as stack:
            bound = await self._bound(stack)
            await self._leading.begin()
            stack.push_async_callback(self._leading.end)
            # As long as we listen, no other one has our name.
            await asyncio.to_thread(self._mailroom.take_back, f"{place()} {bound.getsockname()}")
            self._memory.leads = not self._leading.follows
            self._telemetry.lead(leads=self._memory.leads)
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

    @contextlib.asynccontextmanager
    async def _running(self, web: Server, bound: socket.socket) -> AsyncIterator[None]:
        tasks = [
            asyncio.create_task(self._leading.run(self._stop), name="leading"),
            asyncio.create_task(self._cycles(), name="cycles"),
            asyncio.create_task(self._mailroom.run(self._stop), name="delivery"),
            asyncio.create_task(self._pushing.run(self._stop), name="pushing"),
            asyncio.create_task(web.serve(sockets=[bound]), name="web"),
            asyncio.create_task(keep_alive(self._stop), name="alive"),
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
        self._memory.stop()
        watches = asyncio.create_task(asyncio.to_thread(self._watches.close))
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

    def _ended(self, task: "asyncio.Task[None]") -> None:
        """End the daemon when one of its tasks has ended by itself: half a daemon helps nobody."""
        if not task.cancelled() and task.exception() and not self._stop.is_set():
            LOG.error("ended by a defect", task=task.get_name(), exc_info=task.exception())
            self._stop.set()

    # --- cycles ---------------------------------------------------------------------------------------------------

    async def _cycles(self) -> None:
        """Run cycles while we lead; while another one does, follow what it commits."""
        while not self._stop.is_set():
            self._wake.clear()
            seconds = FOLLOW_SECONDS
            try:
                if await self._leads():
                    await self.cycle()
                    seconds = self._until_due()
            except (StoreError, Stopped) as fault:
                LOG.warning("what is stored cannot be shown", error=str(fault))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), seconds)

    def _until_due(self) -> float:
        now = self._clock.now()
        due = min(self._timetable.next() or now + TICK, now + TICK)
        self._telemetry.set_moment(self._telemetry.next_evaluation, due)
        return max((due - now).total_seconds(), 0.2)

    async def _leads(self) -> bool:
        """Say whether the next cycle is ours, after taking over or stepping back where that has changed."""
        if self._leading.follows:
            if self._memory.leads:
                await self._step_back()
            await self._look_again()
        term = self._leading.term
        if term is None or term == self._term:
            return term is not None
        await self._take_over()
        self._term = term
        return True

    async def _take_over(self) -> None:
        """Go on from what the store holds; at a start, after another daemon led, after the database was away."""
        self._memory.leads = True
        await self._look_again()
        self._telemetry.lead(leads=True)
        self._pushing.wake()
        former = with_former_rules(self._in_force, await asyncio.to_thread(self._store.marks, MarkKind.RULE_TEXT))
        if former is not self._in_force:
            self._outdated = True
            await self._swap(former)
        if self._outdated:
            self._outdated = False
            await self._reload()
        with contextlib.suppress(TimeoutError):  # else a file that is saved during the first reading would be missed
            await asyncio.wait_for(self._watching.wait(), WATCHING_SECONDS)

    async def _step_back(self) -> None:
        """Another daemon leads: tell nothing more of the portfolio, and forget what it has made obsolete."""
        async with self._cycling:
            self._memory.leads = self._first_cycle = False
            self._telemetry.lead(leads=False)
            former, self._observers = self._observers, self._observing(self._in_force)
            self._memory.swap(self._in_force, self._observers)
            self._timetable = self._new_timetable()
            self._pushing.swap(self._in_force, self._observers)
            if self._served is not None:
                self._served.take_up(self._backend())
            close_observers(former)

    async def _look_again(self) -> None:
        async with self._cycling:
            try:
                await asyncio.to_thread(self._memory.renew)
            finally:
                self._scraped.shown.set()

    async def cycle(self) -> Draft | None:
        """Run one cycle; what the store refuses is logged, and the next cycle begins where this one did."""
        async with self._cycling:
            now = self._clock.now()
            due = self._timetable.due(now)
            # Before they are read: a file that changes meanwhile is due again.
            self._timetable.asked(due, now)
            began = time.perf_counter()
            try:
                draft = await asyncio.to_thread(self._memory.engine.cycle, now, due)
            except Stopped:
                return None
            except StoreError as fault:
                self._not_committed(fault, due, now)
                return None
            count_cycle(self._telemetry, draft, time.perf_counter() - began, self._clock.now())
            self._note_refusals(draft, now)
            if draft.advanced.transitions or not self._first_cycle:
                self._pushing.wake()
            self._first_cycle = True
            self._mailroom.wake()
            await self._pruning.after_cycle(now, self._in_force.settings.retention, self._in_force.zone)
            await asyncio.to_thread(give_back)
            return draft

    def _not_committed(self, fault: StoreError, due: Sequence[str], now: datetime) -> None:
        """Begin again from what the store holds: a connection lost in a commit leaves open whether it was kept."""
        LOG.error("cycle not committed", error=str(fault))
        self._telemetry.cycles.labels("failure").inc()
        for name in due:
            self._timetable.changed(name, now + TICK)  # nothing of these readings was kept
        self._term = None
        self._leading.look()

    def _note_refusals(self, draft: Draft, now: datetime) -> None:
        for one in draft.readings:
            if one.refused:
                self._timetable.refused(one.source, now, draft.accepted[one.source].state.failures)
            if one.retry_after:
                # From now on, not from the cycle's beginning: the reading itself may have taken long.
                self._timetable.postponed(one.source, self._clock.now(), one.retry_after)

    # --- reload ---------------------------------------------------------------------------------------------------

    def _watch_files(self, loop: asyncio.AbstractEventLoop) -> None:
        """Watch what is in force, and nothing else from then on."""

        def changed(name: str) -> None:
            self._timetable.changed(name, self._clock.now())
            loop.call_soon_threadsafe(self._wake.set)

        def edited() -> None:
            loop.call_soon_threadsafe(self._reload_aside)

        read = watched_paths(self._in_force, self._clock.now(), self._defect)
        self._watches.renew(self._in_force.settings.written(), edited, read, changed)

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
        snapshot = report.snapshot if (report := self._memory.engine.report) else None
        standing = Standing(self._store.alerts(), self._store.told_on())
        plan = plan_reload(self._in_force, last_good, standing, snapshot, approved=approved)
        if approved and plan.in_force is not None:
            self._memory.engine.forget(APPROVE)
        return plan

    async def _swap(self, new: InForce) -> None:
        learn_secrets(new.settings.secrets)
        async with self._cycling:
            before_them = self._observers
            if new.base is not self._in_force.base:
                self._observers = self._observing(new)
            former, self._in_force = self._in_force, new
            self._memory.swap(new, self._observers)
            await asyncio.to_thread(self._memory.show)
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
            report=lambda: self._memory.engine.report,
            waiting_for=self._waiting_for,
            reload=self.reload,
            channels=channels(in_force),
            mounts=self._scraped.mounts(self._observers, in_force, self._defect),
            in_use=in_use(in_force),
            why=Behind(self._store, in_force, lambda: self._memory.engine.report, self._clock.now),
        )

    def _waiting_for(self) -> list[str]:
        rules = bool(self._in_force.rules.rules) or not self._in_force.loaded.faults
        ready = {
            "store": self._store.answers(),
            "rules": rules,
            "first_cycle": self._first_cycle or self._leading.follows,
        }
        return [name for name, is_ready in ready.items() if not is_ready]
