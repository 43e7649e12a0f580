"""Whom a source trusts and what it keeps of a connection: the system's certificates, a private CA, no cookies."""

import ssl
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path

from pmo_watch.errors import SourceRefused


def trusting(ca_file: Path | None) -> ssl.SSLContext:
    """Return what verifies certificates: the operating system's trust store, and a private CA besides.

    Raises:
        SourceRefused: the file cannot be read or holds no certificate.
    """
    context = ssl.create_default_context()
    if ca_file is None:
        return context
    try:
        context.load_verify_locations(ca_file)
    except ssl.SSLError:
        raise SourceRefused(f"verify: {ca_file} holds no certificates: give the CA's as a PEM file") from None
    except OSError as fault:
        raise SourceRefused(f"verify: {ca_file} cannot be read: {fault.strerror}") from None
    return context


def no_cookies() -> CookieJar:
    """Return a jar that keeps nothing: each request stands for itself, signed."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=()))
