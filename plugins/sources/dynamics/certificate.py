"""The certificate that an application signs in with: a file with its key (spec sources 3.2)."""

from datetime import date
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from pmo_watch.api import SourceRefused

from .settings import Settings


def read_certificate(settings: Settings, folder: Path) -> str:
    """Return the text of the certificate's file, once key and password are seen to fit.

    Raises:
        SourceRefused: it cannot be read, lacks the key or the certificate, or the password is wrong.
    """
    path = folder / (settings.certificate or "")
    try:
        pem = path.read_text(encoding="ascii")
    except OSError as fault:
        raise SourceRefused(f"certificate: {path} cannot be read: {fault.strerror}") from None
    except ValueError:
        raise SourceRefused(f"certificate: {path} is no PEM file: convert it, key and certificate in one") from None
    password = settings.certificate_password
    try:
        load_pem_private_key(pem.encode(), password.get_secret_value().encode() if password else None)
        x509.load_pem_x509_certificate(pem.encode())
    except TypeError:
        raise SourceRefused("certificate_password: the key is encrypted and needs it, or is not and must not") from None
    except ValueError:
        raise SourceRefused(
            f"certificate: {path} must hold a private key and its certificate in PEM form; or certificate_password "
            "is wrong"
        ) from None
    return pem


def last_day(settings: Settings, folder: Path) -> date:
    """Return the last day on which the certificate is good, in UTC.

    Raises:
        SourceRefused: as `read_certificate`.
    """
    return x509.load_pem_x509_certificate(read_certificate(settings, folder).encode()).not_valid_after_utc.date()
