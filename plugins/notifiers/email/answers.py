"""What went wrong at which stage, as a result of the delivery (spec channels 2.7)."""

import re
import ssl
from email.errors import MessageError
from enum import StrEnum

from aiosmtplib import (
    SMTPConnectError,
    SMTPConnectResponseError,
    SMTPDataError,
    SMTPException,
    SMTPHeloError,
    SMTPNotSupported,
    SMTPRecipientRefused,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPSenderRefused,
    SMTPServerDisconnected,
)

from pmo_watch.api import DeliveryDeferred, DeliveryRejected, plain

FAILURES = (SMTPException, OSError, TimeoutError, ValueError, MessageError)  # nothing else is expected

_ENHANCED = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")
# A server may repeat the line it did not like: what looks like base64 and not like a word goes.
_CREDENTIAL = re.compile(r"(?<![\w+/=-])(?=[\w+/=-]*(?:[\d=+]|[a-z][A-Z]))[\w+/=-]{8,}")
_LONGEST_ANSWER = 500


class Stage(StrEnum):
    """How far an attempt has come."""

    BUILD = "build"
    CONNECT = "connect"
    HELLO = "hello"
    TLS = "tls"
    AUTH = "auth"
    SEND = "send"


def answer_of(code: int, text: str) -> str:
    """Return `code enhanced-code text`."""
    found = _ENHANCED.search(text)
    enhanced = found[0] if found else ""
    rest = text.replace(enhanced, "", 1) if enhanced else text
    return plain(f"{code} {enhanced} {rest}", _LONGEST_ANSWER)


def judge(error: Exception, stage: Stage) -> DeliveryDeferred | DeliveryRejected:
    """Return the result for what was raised at that stage."""
    if isinstance(error, DeliveryDeferred | DeliveryRejected):
        return error
    if isinstance(error, SMTPRecipientsRefused):
        error = error.recipients[0]
    if isinstance(error, SMTPResponseException):
        return _refusal(error, stage)
    if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
        return _broken_tls(error, stage)
    if isinstance(error, TimeoutError):
        return DeliveryDeferred("timeout", f"no answer in time while trying to {_DOING[stage]}")
    return _without_answer(error, stage)


_DOING = {
    Stage.BUILD: "write the mail",
    Stage.CONNECT: "connect",
    Stage.HELLO: "introduce ourselves",
    Stage.TLS: "start TLS",
    Stage.AUTH: "sign in",
    Stage.SEND: "send",
}


def _broken_tls(error: Exception, stage: Stage) -> DeliveryDeferred:
    """Return a fault of the channel while TLS begins; later the connection just broke.

    Exim that is stopped says goodbye in clear text, on a connection that is encrypted.
    """
    if stage in {Stage.CONNECT, Stage.HELLO, Stage.TLS}:
        return DeliveryDeferred("tls", _tls_fault(error), channel_fault=True)
    return _lost(stage)


def _lost(stage: Stage) -> DeliveryDeferred:
    return DeliveryDeferred("disconnected", f"the connection was lost while trying to {_DOING[stage]}")


def _without_answer(error: Exception, stage: Stage) -> DeliveryDeferred | DeliveryRejected:
    if isinstance(error, ValueError | MessageError | SMTPNotSupported):
        said = plain(str(error), _LONGEST_ANSWER)
        about_the_mail = stage in {Stage.BUILD, Stage.SEND}
        return (
            DeliveryRejected("bad_request", said)
            if about_the_mail
            else DeliveryDeferred("config", said, channel_fault=True)
        )
    if isinstance(error, SMTPConnectError) or stage is Stage.CONNECT:
        return DeliveryDeferred("connect", plain(str(error), _LONGEST_ANSWER))
    if isinstance(error, SMTPServerDisconnected | OSError):
        return _lost(stage)
    if stage is Stage.AUTH:  # the server offers no way to sign in that we know
        return DeliveryDeferred("auth", plain(str(error), _LONGEST_ANSWER), channel_fault=True)
    return DeliveryDeferred("server_error", plain(str(error), _LONGEST_ANSWER))


def _refusal(error: SMTPResponseException, stage: Stage) -> DeliveryDeferred | DeliveryRejected:
    code, text = error.code, error.message
    if stage is Stage.AUTH:
        text = _CREDENTIAL.sub("***", text)
    answer = answer_of(code, text)
    if code < 400:  # not SMTP at all: aiosmtplib says -1
        return DeliveryDeferred("server_error", answer)
    if code == 421:
        return DeliveryDeferred("throttled", answer)
    if isinstance(error, SMTPConnectResponseError | SMTPHeloError):
        return _temporary_or(code, "config", answer)
    if stage in {Stage.AUTH, Stage.TLS}:
        return _temporary_or(code, stage.value, answer)
    return _refused_mail(error, answer)


def _temporary_or(code: int, reason: str, answer: str) -> DeliveryDeferred:
    return DeliveryDeferred("throttled", answer) if code < 500 else DeliveryDeferred(reason, answer, channel_fault=True)


def _refused_mail(error: SMTPResponseException, answer: str) -> DeliveryDeferred | DeliveryRejected:
    too_large = error.code == 552 or " 5.3.4 " in f"{answer} "
    if isinstance(error, SMTPRecipientRefused):
        return DeliveryDeferred("throttled", answer) if error.code < 500 else DeliveryRejected("rejected", answer)
    if too_large:
        return DeliveryRejected("too_large", answer)
    if isinstance(error, SMTPSenderRefused):
        return _temporary_or(error.code, "config", answer)
    if isinstance(error, SMTPDataError) and error.code >= 500:
        return DeliveryRejected("rejected", answer)
    return DeliveryDeferred("server_error", answer)


def _tls_fault(error: BaseException) -> str:
    fault = error if isinstance(error, ssl.SSLError) else error.__cause__
    said = getattr(fault, "verify_message", "") or getattr(fault, "reason", "") or type(fault).__name__
    return plain(f"TLS failed: {said}", _LONGEST_ANSWER)
