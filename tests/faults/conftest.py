"""What `make faults` prints at its end: each fault, how often it was injected, and what was checked."""

from dataclasses import dataclass, field

import pytest


@dataclass
class Book:
    """The faults of this run, in the order in which they were injected."""

    lines: list[tuple[str, int, str]] = field(default_factory=list)

    def note(self, fault: str, injected: int, checked: str) -> None:
        """Write down a fault that was survived."""
        self.lines.append((fault, injected, checked))


BOOK = pytest.StashKey[Book]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[BOOK] = Book()


@pytest.fixture
def book(pytestconfig: pytest.Config) -> Book:
    return pytestconfig.stash[BOOK]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    terminalreporter.section("faults")
    for fault, injected, checked in config.stash[BOOK].lines:
        terminalreporter.write_line(f"{injected:6} x  {fault}")
        terminalreporter.write_line(f"           checked: {checked}")
