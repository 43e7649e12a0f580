"""Dynamics 365 and Dataverse: signing in, with a secret or a certificate, and what is said when it fails."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from environment import NOW, Installation, environment, new_certificate, project
from pydantic import ValidationError

from pmo_watch.demo.dataverse_answers import Fault
from pmo_watch.flow import Outcome


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def there(tmp_path: Path, certificate: Path) -> Iterator[Installation]:
    with environment(tmp_path, certificate) as found:
        project(found.site)
        yield found


def error(there: Installation) -> str:
    reading = there.look()
    assert reading.outcome is Outcome.FAILED
    assert "a-wrong-secret" not in reading.error
    return reading.error.partition(": ")[2]


@pytest.mark.parametrize(
    ("setting", "value", "expected"),
    [
        (
            "client_secret",
            "a-wrong-secret",
            (
                "sign-in refused (AADSTS7000215): the client secret is wrong: set 'client_secret:' to the secret's "
                "value, not its id"
            ),
        ),
        (
            "client_id",
            "00000000-0000-0000-0000-000000000000",
            (
                "sign-in refused (AADSTS700016): the application is unknown in this tenant: check 'client_id:' and "
                "'tenant:'"
            ),
        ),
        ("tenant", "nobody.example", "sign-in refused (AADSTS90002): the tenant is unknown: check 'tenant:'"),
    ],
)
def test_a_refused_sign_in_names_the_setting_at_fault(
    there: Installation, setting: str, value: str, expected: str
) -> None:
    there.settings[setting] = value

    assert error(there) == expected


def test_a_number_that_nobody_knows_is_said_without_the_servers_words(there: Installation) -> None:
    there.site.faults.append(Fault("status", "/token", status=400, text="AADSTS1: a-wrong-secret is wrong"))

    assert "sign-in refused (" in there.look().error
    assert "a-wrong-secret" not in there.look().error


def test_a_sign_in_that_is_too_busy_is_no_refusal(there: Installation) -> None:
    there.site.faults.append(Fault("status", "/token", times=-1))

    reading = there.look()

    assert reading.outcome is Outcome.FAILED
    assert not reading.refused
    assert "answered 503 Service Unavailable" in reading.error


def test_a_sign_in_behind_a_web_page_is_refused(there: Installation) -> None:
    there.site.faults.append(Fault("html", "openid-configuration", status=200))

    assert "a web page came instead of data" in there.look().error


def test_without_an_application_user_it_is_refused(there: Installation) -> None:
    there.site.faults.append(Fault("status", "WhoAmI", status=403, times=-1, text="The user is not a member."))

    assert error(there) == (
        "signed in, and refused with 403 (The user is not a member.): make an application user for client_id "
        "5f2c1c0e-0000-0000-0000-000000000001 in this environment, with a security role that reads its tables"
    )


def test_a_token_that_is_refused_twice_is_a_refusal(there: Installation) -> None:
    there.site.faults.append(Fault("status", "WhoAmI", status=401, times=-1))

    assert error(there).startswith("signed in, and refused with 401")
    assert len([one for one in there.site.requests if one.endswith("/token")]) == 2


def test_a_wrong_address_is_refused(there: Installation) -> None:
    there.site.faults.append(Fault("status", "WhoAmI", status=404, times=-1))

    assert error(there).startswith("no Web API v9.2 answers here (404")


def test_a_certificate_signs_in(there: Installation) -> None:
    there.site.certificate_only = True
    there.settings["certificate"] = str(rsa_certificate(there.folder))

    assert there.look().outcome is Outcome.COMPLETE


def test_a_key_with_a_password_signs_in(there: Installation) -> None:
    there.site.certificate_only = True
    path = rsa_certificate(there.folder, password=b"open-it")
    there.settings |= {"certificate": str(path), "certificate_password": "open-it"}

    assert there.look().outcome is Outcome.COMPLETE


@pytest.mark.parametrize(
    ("content", "password", "expected"),
    [
        (None, None, "there.pem cannot be read: No such file or directory"),
        (b"\xff\xfe\x00", None, "there.pem is no PEM file: convert it, key and certificate in one"),
        (b"nothing", None, "there.pem must hold a private key and its certificate in PEM form"),
        (b"encrypted", None, "certificate_password: the key is encrypted and needs it, or is not and must not"),
        (b"encrypted", "wrong", "or certificate_password is wrong"),
    ],
    ids=["absent", "no text", "no key", "no password", "wrong password"],
)
def test_a_certificate_that_cannot_be_used_is_refused(
    there: Installation, content: bytes | None, password: str | None, expected: str
) -> None:
    path = there.folder / "there.pem"
    if content == b"encrypted":
        rsa_certificate(there.folder, password=b"open-it").rename(path)
    elif content is not None:
        path.write_bytes(content)
    there.settings |= {"certificate": "there.pem", "certificate_password": password}

    reading = there.look()

    assert reading.outcome is Outcome.FAILED
    assert reading.refused
    assert expected in reading.error


def test_a_secret_that_runs_out_is_said_in_time(there: Installation) -> None:
    there.settings["secret_expires"] = (NOW + timedelta(days=30)).date()
    soon = there.look().summary.degraded
    there.settings["secret_expires"] = date(2026, 11, 19)
    late = there.look().summary.degraded
    there.settings["secret_expires"] = (NOW + timedelta(days=31)).date()
    in_time = there.look().summary.degraded

    assert "the client secret expires on 2026-12-20: make a new one in the app registration" in soon
    assert "the client secret expired on 2026-11-19: make a new one in the app registration" in late
    assert not [one for one in in_time if "secret" in one]


def test_the_end_of_a_certificate_is_read_from_it(there: Installation) -> None:
    there.site.certificate_only = True
    there.settings["certificate"] = str(rsa_certificate(there.folder, days=10, begin=NOW))

    said = there.look(NOW).summary.degraded

    assert "the certificate expires on 2026-11-30: make a new one in the app registration" in said


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"client_secret": None}, "needs either 'client_secret' or 'certificate'"),
        ({"certificate": "a.pem", "client_secret": "a"}, "needs either 'client_secret' or 'certificate'"),
        ({"url": "http://org.crm4.dynamics.com"}, "must begin with https:, or the token could be read on the way"),
        ({"url": "org.crm4.dynamics.com"}, "should be an address such as https://org.crm4.dynamics.com"),
        ({"preset": "custom"}, "preset custom needs 'tables' with at least 'project'"),
        (
            {"tables": {"projekt": {}}},
            "tables: 'projekt' is no entity that a table can become, did you mean 'project'?",
        ),
        (
            {"tables": {"project": {"columns": {"budgett": "a"}}}},
            "tables.project.columns: 'budgett' is no field of project, did you mean 'budget'?",
        ),
        ({"maps": {"project.stat": {}}}, "maps: 'project.stat' is no field; write it as entity.field, did you mean"),
        ({"tables": {"project": {"columns": {"name": {"map": {1: "a"}}}}}}, "needs either 'column' or 'value'"),
    ],
)
def test_settings_that_cannot_be_are_refused(there: Installation, settings: dict[str, object], expected: str) -> None:
    there.settings |= settings

    with pytest.raises(ValidationError) as fault:
        there.opened()

    assert expected in str(fault.value)


def rsa_certificate(folder: Path, *, password: bytes = b"", days: int = 60, begin: datetime | None = None) -> Path:
    """Write a key as Entra ID wants it, RSA, with its certificate."""
    import trustme

    begin = begin or datetime.now(UTC)
    ca = trustme.CA(key_type=trustme.KeyType.RSA)
    made = ca.issue_cert(
        "pmo-watch.example", not_before=begin, not_after=begin + timedelta(days=days), key_type=trustme.KeyType.RSA
    )
    key = load_pem_private_key(made.private_key_pem.bytes(), None)
    hidden = BestAvailableEncryption(password) if password else None
    pem = made.private_key_pem.bytes()
    if hidden is not None:
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, hidden)
    path = folder / "app.pem"
    path.write_bytes(pem + made.cert_chain_pems[0].bytes())
    return path
