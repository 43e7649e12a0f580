"""The log: one line per event on standard error, without secrets, whoever wrote it."""

import base64
import json
import logging
import re
import sys
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.types import Processor

from pmo_watch.errors import SettingsError

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
# They log every URL or header, and a webhook's URL is its password.
CHATTY = ("httpx2", "httpcore2", "msal", "urllib3")
HIDDEN = "***"
SHORTEST_SECRET = 4  # shorter ones would blot out ordinary words
_SHAPES = (
    (re.compile(r"sig=[^&\s\"']+"), f"sig={HIDDEN}"),
    (re.compile(r"/ack/[^\s\"'<]+"), f"/ack/{HIDDEN}"),
    (re.compile(r"(Bearer|Basic) [\w.~+/=-]+"), rf"\1 {HIDDEN}"),
)


class Redaction:
    """Takes secrets out of texts: known ones however they are quoted, and what looks like one."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: set[str] = set()
        self._known: re.Pattern[str] | None = None
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Know these secrets too; what was secret before a reload stays so."""
        for secret in secrets:
            self._forms |= _forms(secret)
        longest_first = sorted(self._forms, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def clean(self, text: str) -> str:
        """Return the text with `***` in place of each secret."""
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        for shape, shown in _SHAPES:
            text = shape.sub(shown, text)
        return text


def _forms(secret: str) -> set[str]:
    """Return how a secret may appear: plain, inside a URL, inside JSON, and in base64 wherever it begins there."""
    if len(secret) < SHORTEST_SECRET:
        return set()
    in_json = {json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    return {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), repr(secret)[1:-1], *in_json} | {
        form for lead in range(3) for form in _base64_forms(secret.encode(), lead)
    }


def _base64_forms(secret: bytes, lead: int) -> set[str]:
    """Return its base64 after `lead` other bytes, without the letters that it shares with its neighbours."""
    written = base64.b64encode(bytes(lead) + secret).decode()
    own = written[(lead * 8 + 5) // 6 : (lead + len(secret)) * 8 // 6]
    return {own, own.replace("+", "-").replace("/", "_")} if len(own) >= 2 * SHORTEST_SECRET else set()


class _Redacted(logging.Formatter):
    """Lets another formatter write the whole line, tracebacks included, and takes the secrets out of it."""

    def __init__(self, inner: logging.Formatter, redaction: Redaction) -> None:
        super().__init__()
        self._inner, self.redaction = inner, redaction

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return self.redaction.clean(self._inner.format(record))


class _StandardError(logging.Handler):
    """Writes to what standard error is at that moment: it may be replaced while we run."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line; a fault in doing so must not end what was going on."""
        try:
            sys.stderr.write(self.format(record) + "\n")
            sys.stderr.flush()
        except Exception:  # noqa: BLE001  the contract of logging.Handler
            self.handleError(record)


def set_up_logging(level: str = "info", secrets: Iterable[str] = ()) -> Redaction:
    """Send everything to standard error: JSON, or lines for people where it is a terminal.

    Call once, before anything logs. What is returned also cleans answers that are stored.

    Raises:
        SettingsError: there is no such level.
    """
    if level.upper() not in LEVELS:
        raise SettingsError(f"there is no log level '{level}': choose {', '.join(LEVELS)}")
    redaction = Redaction(secrets)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler = _StandardError()
    formatter = structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_last(sys.stderr.isatty()))
    handler.setFormatter(_Redacted(formatter, redaction))
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(level.upper())
    for chatty in CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    return redaction


def learn_secrets(secrets: Iterable[str]) -> None:
    """Keep these out of the log too: a reload brings new ones."""
    for handler in logging.root.handlers:
        if isinstance(handler.formatter, _Redacted):
            handler.formatter.redaction.learn(secrets)


def _last(for_people: bool) -> list[Processor]:
    bare = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if for_people:
        # Of structlog's ways to show a traceback only this one leaves the local variables out.
        return [bare, structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    tracebacks = structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False))
    return [bare, tracebacks, structlog.processors.JSONRenderer(default=str, ensure_ascii=False)]
