"""What systemd is told: ready, alive, stopping; nothing outside it."""

import os
import socket


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
