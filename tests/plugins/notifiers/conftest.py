"""Mail servers for the tests of notifiers."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from mail_bench import Secure, secure_server
from mail_server import Mailbox, smtp_server


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[Secure]:
    with secure_server(tmp_path) as server:
        yield server


@pytest.fixture
def box() -> Mailbox:
    return Mailbox()


@pytest.fixture
def port(box: Mailbox) -> Iterator[int]:
    with smtp_server(box) as number:
        yield number
