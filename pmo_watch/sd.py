"""This process among others: what systemd is told of it, what names its place, and the memory it gives back."""

import asyncio
import contextlib
import ctypes
import os
import socket
import time
from pathlib import Path


def notify(*lines: str) -> None:
    """Tell systemd READY=1, WATCHDOG=1, STATUS=... or STOPPING=1; does nothing outside it."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as link:
        link.connect("\0" + address[1:] if address.startswith("@") else address)
        link.sendall("\n".join(lines).encode())


def watchdog_seconds() -> float | None:
    """Return half of WatchdogSec, or None when systemd does not watch this process."""
    micro, pid = os.environ.get("WATCHDOG_USEC"), os.environ.get("WATCHDOG_PID")
    return int(micro) / 2_000_000 if micro and pid in (None, str(os.getpid())) else None


async def keep_alive(stop: asyncio.Event) -> None:
    """Tell systemd that this process lives, until told to stop."""
    seconds = watchdog_seconds()
    while not stop.is_set():
        if seconds:
            notify("WATCHDOG=1")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), seconds or 3600)


def place() -> str:
    """Return what tells the network of this process from that of any other machine or container that runs now.

    A name of a host or an image's id would not do: machines are cloned. Of a system that does not say, a text that no
    other process has.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/net').stat().st_ino}"
    except OSError:
        return f"{os.getpid()} {time.time_ns()}"


def give_back() -> None:
    """Give memory that the C library holds on to back to the system; does nothing where the library cannot."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
