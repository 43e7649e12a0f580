"""docs/operating.md is true: its settings load, its scrape job is one, its addresses and exit codes exist."""

import re
import subprocess
from pathlib import Path

import pytest
import trustme
from debian import debian_program
from served import Daemon, http

from pmo_watch.cli_options import FAULTY, FINE, GATE, NO_STORE, UNREACHED
from pmo_watch.plugin_host import load_plugins
from pmo_watch.settings import load_settings
from pmo_watch.store import open_store
from pmo_watch.web import Site
from pmo_watch.web_answers import STYLESHEET
from pmo_watch.web_forms import Tokens

PAGE = (Path(__file__).parents[1] / "docs" / "operating.md").read_text(encoding="utf-8")
SETTINGS = re.findall(r"^```yaml settings\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("text", SETTINGS)
def test_settings_that_are_shown_load(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = {"smtp_password": "secret", "ack_key_1": "k" * 64, "pmo_hash": "$2b$12$" + "a" * 53}
    for name, secret in secrets.items():
        monkeypatch.setenv(f"PMO_WATCH_SECRET_{name.upper()}", secret)
    issued = trustme.CA().issue_cert("localhost")
    (tmp_path / "tls").mkdir()
    (tmp_path / "rules.d").mkdir()
    issued.cert_chain_pems[0].write_to_path(tmp_path / "tls" / "server.pem")
    issued.private_key_pem.write_to_path(tmp_path / "tls" / "server.key")
    (tmp_path / "pmo-watch.yaml").write_text(text)

    assert load_settings(tmp_path / "pmo-watch.yaml", load_plugins(installed=False))


def test_some_settings_are_shown() -> None:
    assert len(SETTINGS) == 5


def test_addresses_of_the_page_are_those_that_are_served(sqlite_url: str) -> None:
    store = open_store(sqlite_url)
    served = {
        (method, route.path)
        for route in Site(Daemon(store).backend(http()), Tokens()).routes()
        for method in (route.methods or set()) - {"HEAD"}
    }
    store.close()

    cells = re.findall(r"^\| (`(?:GET|POST).*?) \| ", PAGE, re.MULTILINE)
    named = {found for cell in cells for found in addresses(cell)}

    assert named - {("GET", "/metrics")} == served - {("GET", STYLESHEET)}


def addresses(cell: str) -> set[tuple[str, str]]:
    """Read `GET /api/v1/alerts`, `findings` and the like."""
    methods: list[str] = []
    found: set[tuple[str, str]] = set()
    path = ""
    for part in re.findall(r"`([^`]+)`", cell):
        *verbs, rest = part.split()
        if rest in {"GET", "POST"}:
            methods = [rest]
            continue
        methods = [*methods, *verbs] if not path else verbs or methods
        path = rest if rest.startswith("/") else f"{path.rpartition('/')[0]}/{rest}"
        found |= {(method, path) for method in methods}
    return found


def test_exit_codes_of_the_page_are_those_of_the_commands() -> None:
    rows = re.findall(r"^\| (\d) \| ", PAGE, re.MULTILINE)

    assert [int(code) for code in rows] == [FINE, GATE, FAULTY, UNREACHED, NO_STORE]


@pytest.mark.system
@pytest.mark.timeout(600)
def test_prometheus_accepts_the_scrape_job(tmp_path: Path) -> None:
    promtool = debian_program("promtool", "prometheus")
    (job,) = re.findall(r"^```yaml scrape\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "ca.pem").write_bytes(trustme.CA().cert_pem.bytes())
    (tmp_path / "pass").write_text("secret")
    text = job.replace("/etc/prometheus/example-ca.pem", str(tmp_path / "ca.pem"))
    (tmp_path / "prometheus.yml").write_text(text.replace("/etc/prometheus/pmo_watch.pass", str(tmp_path / "pass")))

    done = subprocess.run(
        [promtool, "check", "config", tmp_path / "prometheus.yml"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
