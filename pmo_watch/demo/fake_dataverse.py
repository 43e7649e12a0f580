"""A Dataverse of our own on loopback: the Web API, its sign-in, and bad days on demand.

Speaks the protocol of the real one over TLS: metadata, pages, change tracking, formatted values in the language of the
reader. `requests` is what was asked for; `faults` what goes wrong next.
"""

import contextlib
import http.server
import json
import re
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from pmo_watch.demo.dataverse_answers import API, SUFFERED, Asking, Fault, No, Pages, Said, World
from pmo_watch.demo.dataverse_rows import (
    KINDS,
    OPTIONS,
    Column,
)
from pmo_watch.demo.dataverse_tables import organisation

TENANT, CLIENT, SECRET = "contoso.example", "5f2c1c0e-0000-0000-0000-000000000001", "a-good-secret"
ANY_COUNT = -1


class FakeDataverse:
    """One environment that answers. `rows` is the truth; tests change it and look at what was asked."""

    def __init__(self, now: datetime) -> None:
        self.rows = organisation(now)
        self.url = ""
        self.language = "en"
        self.metadata = True
        self.certificate_only = False
        self.token_seconds = 3599
        self.forbidden: set[str] = set()  # names of tables
        self.sees_rows = True
        self.requests: list[str] = []
        self.asked_for: list[Mapping[str, str]] = []  # headers, as `requests`
        self.faults: list[Fault] = []
        self.meanwhile: list[tuple[str, Callable[[], object]]] = []  # part of a path, what happens after its answer
        self.lock = threading.RLock()
        self._tokens: set[str] = set()
        self.pages = Pages()
        self._issued = 0

    # --- what tests do ------------------------------------------------------------------------------------------

    def asked(self, part: str = "") -> list[str]:
        """Return the paths asked for so far that hold a text; signing in is left out."""
        return [one for one in self.requests if part in one and one.startswith(API)]

    def forget(self, *what: str) -> None:
        """Let tokens, pages or links that were given so far be unknown."""
        if "tokens" in what:
            self._tokens.clear()
        self.pages.forget(*what)

    # --- answers ------------------------------------------------------------------------------------------------

    def answer(self, path: str, headers: Mapping[str, str], form: str) -> Said:
        """Return what a request gets."""
        parts = urlsplit(path)
        try:
            if parts.path.endswith("/openid-configuration"):
                return self._discovery(parts.path)
            if parts.path.endswith("/oauth2/v2.0/token"):
                return self._token(parts.path, dict(parse_qsl(form)))
            self._check_signed_in(headers)
            return self._api(unquote(parts.path), parts.query, headers)
        except No as no:
            return no.said

    def _discovery(self, path: str) -> Said:
        tenant = path.strip("/").partition("/")[0]
        base = f"{self.url}/{tenant}"
        if tenant != TENANT:
            return _denied(90002, "invalid_tenant", f"Tenant '{tenant}' not found.")
        ends = {f"{name}_endpoint": f"{base}/oauth2/v2.0/{name}" for name in ("authorization", "token")}
        return Said(200, {"issuer": f"{base}/v2.0", **ends})

    def _token(self, path: str, form: Mapping[str, str]) -> Said:
        del path
        if form.get("client_id") != CLIENT:
            return _denied(700016, "unauthorized_client", "The application was not found in the directory.")
        if form.get("scope") != f"{self.url}/.default":
            return _denied(500011, "invalid_resource", "The resource principal was not found.")
        if not (form.get("client_assertion") if self.certificate_only else form.get("client_secret") == SECRET):
            return _denied(7000215, "invalid_client", f"Invalid client secret provided: {form.get('client_secret')}.")
        self._issued += 1
        token = f"token-{self._issued}"
        self._tokens.add(token)
        return Said(200, {"token_type": "Bearer", "expires_in": self.token_seconds, "access_token": token})

    def _check_signed_in(self, headers: Mapping[str, str]) -> None:
        token = headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self._tokens:
            raise No(401, "The token is unknown.", headers={"WWW-Authenticate": "Bearer"})

    def _api(self, path: str, query: str, headers: Mapping[str, str]) -> Said:
        name = path.removeprefix(API)
        asked = dict(parse_qsl(query, keep_blank_values=True))
        if name == "WhoAmI":
            return Said(200, {"OrganizationId": self.rows.id, "UserId": CLIENT, "BusinessUnitId": CLIENT})
        if name.startswith("EntityDefinitions"):
            return self._definition(name, asked)
        found = self.rows.of_set(name)
        if found is None:
            raise No(404, f"Resource not found for the segment '{name}'.")
        if found.name in self.forbidden:
            raise No(403, f"Principal user is missing prvRead{found.name} privilege.", "0x80040220")
        world = World(self.rows, self.pages, self.url, self.language, self.sees_rows)
        return Asking(world, found, asked, query, headers).answer()

    def _definition(self, path: str, asked: Mapping[str, str]) -> Said:
        if not self.metadata:
            raise No(403, "Principal user is missing prvReadEntity privilege.", "0x80040220")
        match = re.match(
            r"EntityDefinitions\(LogicalName='(\w+)'\)(?:/Attributes/[\w.]+\.(\w+?)AttributeMetadata)?$", path
        )
        found = self.rows.tables.get(match[1]) if match else None
        if match is None or found is None:
            raise No(404, "Could not find an entity with that name.")
        columns = list(found.columns.values())
        if match[2]:
            return Said(200, {"value": [_detail(one) for one in columns if KINDS[one.kind][0] == match[2]]})
        types = [{"LogicalName": one.name, "AttributeType": KINDS[one.kind][0]} for one in columns]
        names = {"LogicalName": found.name, "EntitySetName": found.set, "PrimaryIdAttribute": found.key}
        more = {"Attributes": types} if "$expand" in asked else {}
        return Said(200, {**names, "PrimaryNameAttribute": found.label, "ChangeTrackingEnabled": found.tracked, **more})

    # --- what goes wrong ----------------------------------------------------------------------------------------

    def strike(self, path: str) -> Fault | None:
        """Return the fault that spoils this request, counted down."""
        for fault in self.faults:
            if fault.path in path and fault.times:
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.times -= fault.times != ANY_COUNT
                return fault
        return None


def _denied(number: int, error: str, text: str) -> Said:
    body = {"error": error, "error_description": f"AADSTS{number}: {text}", "error_codes": [number]}
    return Said(401 if number == 7000215 else 400, body)


def _detail(column: Column) -> dict[str, Any]:
    kind, form, behaviour = KINDS[column.kind]
    if kind == "DateTime":
        return {"LogicalName": column.name, "Format": form, "DateTimeBehavior": {"Value": behaviour}}
    options = OPTIONS.get(column.name, {}).items()
    shown = [
        {"Value": value, "Label": {"LocalizedLabels": [{"Label": label, "LanguageCode": 1033}]}}
        for value, label in options
    ]
    return {"LogicalName": column.name, "OptionSet": {"Options": shown}}


# --- HTTP ---------------------------------------------------------------------------------------------------------

PAGE = "<!doctype html><html><body>Please sign in.</body></html>"


class _Door(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    site: FakeDataverse

    def do_GET(self) -> None:
        form = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        with self.site.lock:
            self.site.requests.append(self.path)
            self.site.asked_for.append(headers)
            SUFFERED.fault = self.site.strike(self.path)
            said = self._spoilt(SUFFERED.fault) or self.site.answer(self.path, headers, form)
            self._send(said, SUFFERED.fault.kind if SUFFERED.fault else "")
            for part, action in self.site.meanwhile[:]:
                if part in self.path:
                    self.site.meanwhile.remove((part, action))
                    action()

    do_POST = do_GET  # noqa: N815  # the library names it

    def _spoilt(self, fault: Fault | None) -> Said | None:
        if fault is None or fault.kind not in {"status", "html"}:
            return None
        if fault.kind == "html":
            return Said(fault.status, PAGE)
        after = {"Retry-After": fault.retry_after} if fault.retry_after else {}
        return Said(fault.status, {"error": {"code": fault.code, "message": fault.text}}, after)

    def _send(self, said: Said, kind: str) -> None:
        body = said.body.encode() if isinstance(said.body, str) else json.dumps(said.body).encode()
        if kind == "half":  # a whole answer around half a text
            body = body[: len(body) // 2]
        self.close_connection = self.close_connection or kind in {"cut", "drop"}
        if kind == "drop":
            return
        self.send_response(said.status)
        self.send_header("Content-Type", "text/html" if isinstance(said.body, str) else "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in said.headers.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.wfile.write(body[: len(body) // 2] if kind == "cut" else body)

    def log_message(self, *_: Any) -> None:
        """Stay silent: `requests` has it."""


def self_signed(folder: Path) -> Path:
    """Write a certificate for this machine with its key into one PEM file, and return it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    begin = datetime.now(UTC) - timedelta(days=1)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(
            name, name, key.public_key(), x509.random_serial_number(), begin, begin + timedelta(days=60)
        )
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "dataverse.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + made.public_bytes(Encoding.PEM))
    return path


@contextlib.contextmanager
def serving(site: FakeDataverse, certificate: Path) -> Iterator[FakeDataverse]:
    """Serve an environment over TLS on a free port of this machine until the block ends."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Door", (_Door,), {"site": site}))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    site.url = f"https://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
