"""Settings: where values come from, what is made of them, and every fault at its place."""

import json
import os
from collections.abc import Sequence
from datetime import time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, cast

import pytest
from pydantic import Field, SecretStr

from pmo_watch.contracts import PluginSettings, Source, SourceContext, SourceType
from pmo_watch.errors import SettingsError
from pmo_watch.plugin_host import Plugins
from pmo_watch.rules import Span
from pmo_watch.settings import Settings, load_settings, plugins_folder, redacted
from pmo_watch.settings_faults import SettingsFaults
from pmo_watch.settings_layers import find_settings
from pmo_watch.telling import Notifier, NotifierContext, NotifierType, Observer, ObserverType

BROKEN = Path(__file__).parent / "broken"
BCRYPT = "$2b$12$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234"


class SheetSettings(PluginSettings):
    path: str = Field(description="Where the sheet is.")
    decimal: Literal["comma", "point"] = "comma"
    max_rows: int = 500
    accept_shrink: bool = False  # also a key that every source has: ours counts, and the plugin sees it


class PostSettings(PluginSettings):
    host: str
    port: int = 25
    password: SecretStr | None = None
    proxy: str = ""
    from_: str = Field("", alias="from")


class WatchSettings(PluginSettings):
    width: int = 3


def no_source(settings: Any, context: SourceContext) -> Source:
    raise NotImplementedError


def no_notifier(settings: Any, context: NotifierContext) -> Notifier:
    raise NotImplementedError


def no_observer(settings: Any, context: NotifierContext) -> Observer:
    raise NotImplementedError


def checks(settings: PostSettings) -> Sequence[str]:
    return ["port 25 is for servers"] if settings.port == 25 else []


PLUGINS = Plugins(
    sources={"sheet": SourceType("sheet", SheetSettings, no_source)},
    notifiers={"post": NotifierType("post", PostSettings, no_notifier, check=checks)},
    observers={"watch": ObserverType("watch", WatchSettings, no_observer)},
    failed={"jira": "the library 'msal' is not installed: install it beside pmo-watch"},
)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("PMO_WATCH_") or name == "CREDENTIALS_DIRECTORY":
            monkeypatch.delenv(name)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rules.d").mkdir()
    return tmp_path


def settings_of(folder: Path, text: str = "organisation: {}\n") -> Settings:
    path = folder / "pmo-watch.yaml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path, PLUGINS)


def faults_of(folder: Path, text: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        settings_of(folder, text)
    return [line.replace(f"{folder}/", "") for line in str(caught.value).splitlines()]


# --- faults -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(BROKEN.glob("settings-*.yaml")), ids=lambda path: path.stem)
def test_broken_settings_say_what_is_wrong_where(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BROKEN)
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("# environment: "):
            for pair in line.removeprefix("# environment: ").split():
                monkeypatch.setenv(*pair.split("=", 1))

    with pytest.raises(SettingsError) as caught:
        load_settings(Path(path.name), PLUGINS)

    error = caught.value
    said = (error.shown() if isinstance(error, SettingsFaults) else str(error)).replace(str(BROKEN), "<folder>")
    golden = path.with_suffix(".golden.txt")
    assert f"{said}\n" == golden.read_text(encoding="utf-8")
    assert "geheim" not in said


class MailSettings(PluginSettings):
    tls: Literal["", "implicit"] = ""


def test_empty_choice_is_shown_as_one(folder: Path) -> None:
    (folder / "pmo-watch.yaml").write_text("notifiers: {mail: {type: mail, tls: none}}\n", encoding="utf-8")
    mail = Plugins(notifiers={"mail": NotifierType("mail", MailSettings, no_notifier)})

    with pytest.raises(SettingsError, match="'none' is not one of \"\", implicit"):
        load_settings(folder / "pmo-watch.yaml", mail)


def test_every_fault_is_listed_in_the_order_of_the_file_and_those_of_the_environment_last(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PMO_WATCH_RETENTION", "long")

    said = faults_of(folder, "sources:\n  plans: {type: sheet}\nlimits: {shrink: 1}\n")

    assert said == [
        "pmo-watch.yaml:2:10: 'path' is missing",
        "pmo-watch.yaml:3:18: '1' is no share: write it with its unit, such as 20 %",
        (
            "environment PMO_WATCH_RETENTION: 'long' is no duration: "
            "write a number and s, m, h, d, w or y, such as 10m, 4h or 3d"
        ),
    ]


def test_literal_secret_is_not_shown_beside_another_fault(folder: Path) -> None:
    path = folder / "pmo-watch.yaml"
    path.write_text("notifiers:\n  mail: {type: post, password: geheim, port: geheim-too}\n")

    with pytest.raises(SettingsFaults) as caught:
        load_settings(path, PLUGINS)

    assert "geheim," not in caught.value.shown()
    assert "'geheim-too' should be a whole number" in caught.value.shown()


# --- values -------------------------------------------------------------------------------------------------------


def test_defaults_are_those_of_the_specification(folder: Path) -> None:
    settings = settings_of(folder)

    assert settings.database.url.get_secret_value() == f"sqlite:///{folder}/pmo-watch.db"
    assert settings.rules == folder / "rules.d"
    assert (settings.http.host, settings.http.port, settings.http.is_local) == ("127.0.0.1", 9464, True)
    assert settings.http.ack.valid == timedelta(days=7)
    assert (settings.limits.shrink, settings.limits.rejects, settings.limits.least_rows) == (0.2, 0.2, 5)
    assert (settings.limits.mass_change, settings.limits.mass_change_share) == (50, 0.2)
    assert settings.limits.grace(files=False) == Span(4, "h")
    assert settings.limits.grace(files=True) == Span(1, "wd")
    assert settings.delivery.expires == timedelta(days=3)
    assert (settings.delivery.send_from, settings.delivery.send_until) == (time(8, 30), time(17, 30))
    assert settings.retention == timedelta(days=5 * 365)
    assert settings.organisation_values().commit_order == ("baseline_finish", "deadline", "forecast_finish")
    assert settings.organisation_values().status_date_max_age == 20
    assert settings.warnings == ()


def test_values_are_read_as_people_write_them(folder: Path) -> None:
    settings = settings_of(
        folder,
        "organisation:\n"
        "  timezone: Europe/Luxembourg\n"
        "  status_date_max_age: 15 wd\n"
        "  tolerances: {time: {amber: 5 wd, red: 10}, cost: {red: 7.5 %}, risk: {amber: 9}}\n"
        "  document_sets: {small: {planning: [project_charter]}}\n"
        "  status_reports: {every: month, due: friday 12:00}\n"
        "limits: {shrink: 12.5 %, source_grace: 2 wd}\n"
        "delivery: {expires: 36h, send_from: 7:00}\n"
        "retention: 2y\n",
    )

    values = settings.organisation_values()
    assert values.timezone == "Europe/Luxembourg"
    assert values.status_date_max_age == 15
    assert values.tolerances == {
        "time_amber": Decimal(5),
        "time_red": Decimal(10),
        "cost_red": Decimal("7.5"),
        "risk_amber": Decimal(9),
    }
    assert values.document_sets == {"small": {"planning": ("project_charter",)}}
    assert (values.report_every, values.report_due) == ("month", "friday 12:00")
    assert settings.reading_limits().shrink == 0.125
    assert settings.limits.grace(files=False) == Span(2, "wd")
    assert settings.delivery.expires == timedelta(hours=36)
    assert settings.delivery.send_from == time(7)
    assert settings.retention == timedelta(days=730)


def test_part_whose_lines_are_all_commented_out_is_as_good_as_absent(folder: Path) -> None:
    settings = settings_of(folder, "sources:\n  # plans: {type: sheet}\nhttp:\ndatabase:\nmerge: ~\n")

    assert (dict(settings.sources), settings.http.port, dict(settings.merge)) == ({}, 9464, {})


def test_source_and_notifier_carry_their_plugins_settings(folder: Path) -> None:
    settings = settings_of(
        folder,
        "sources:\n"
        "  kpis: {type: sheet, path: kpi.csv, decimal: point, every: 4h}\n"
        "  plans: {type: sheet, path: plans.csv, enabled: false, accept_shrink: true}\n"
        "notifiers:\n"
        "  mail: {type: post, host: smtp.example.org, port: 587, from: pmo@example.org, fallback: other}\n"
        "  other: {type: post, host: b.example.org, port: 587}\n"
        "  metrics: {type: watch}\n",
    )

    kpis, plans = settings.sources.values()
    assert isinstance(kpis.settings, SheetSettings)
    assert (kpis.name, kpis.type, kpis.settings.decimal, kpis.every) == ("kpis", "sheet", "point", timedelta(hours=4))
    assert (plans.enabled, plans.accept_shrink, plans.every) == (False, True, timedelta(minutes=15))
    assert cast(SheetSettings, plans.settings).accept_shrink
    mail, _, metrics = settings.notifiers.values()
    assert isinstance(mail.settings, PostSettings)
    assert (mail.settings.from_, mail.fallback, mail.observes) == ("pmo@example.org", "other", False)
    assert metrics.observes


def test_relative_paths_start_from_the_files_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "own").mkdir()
    monkeypatch.chdir(folder.parent)
    text = 'database: {url: "sqlite:///data/x.db"}\nplugins_dir: own\ncalendars: {eu: {file: eu.ics}}\n'
    (folder / "pmo-watch.yaml").write_text(text)

    settings = load_settings(Path(folder.name, "pmo-watch.yaml"), PLUGINS)

    assert settings.folder == folder
    assert settings.plugins_dir == folder / "own"
    assert settings.calendars["eu"].file == folder / "eu.ics"
    assert settings.database.url.get_secret_value() == f"sqlite:///{folder}/data/x.db"


def test_other_databases_are_taken_as_they_are(folder: Path) -> None:
    absolute = settings_of(folder, 'database: {url: "sqlite:////var/lib/x.db"}\n')
    server = settings_of(folder, 'database: {url: "postgresql+psycopg://pmo@/pmo"}\n')

    assert absolute.database.url.get_secret_value() == "sqlite:////var/lib/x.db"
    assert server.database.url.get_secret_value() == "postgresql+psycopg://pmo@/pmo"
    assert server.warnings == ()


def test_calendars_that_need_no_definition_are_there(folder: Path) -> None:
    settings = settings_of(folder, "organisation: {calendar: de}\ncalendars: {nl: {country: NL, week: [monday]}}\n")

    assert set(settings.calendars) == {"be", "nl", "fr", "lu", "de"}
    assert settings.calendars["nl"].week == ("monday",)


def test_place_tells_others_where_a_setting_stands(folder: Path) -> None:
    settings = settings_of(folder, "organisation:\n  calendar: xx\ncalendars:\n  nl: {country: QQ}\n")

    assert settings.place("calendars", "nl", "country") == f"{folder}/pmo-watch.yaml:4:17"
    assert settings.place("calendars", "xx", "country") == f"{folder}/pmo-watch.yaml:2:13"


def test_source_of_people_is_believed_first_about_them(folder: Path) -> None:
    sheets = "sources:\n  a: {type: sheet, path: a.csv}\n  b: {type: sheet, path: b.csv}\npeople: {source: b}\n"

    assert settings_of(folder, sheets).merge == {"people": ("b",)}
    assert settings_of(folder, f"{sheets}merge: {{people: [a, b], cost: [b]}}\n").merge == {
        "people": ("a", "b"),
        "cost": ("b",),
    }


@pytest.mark.parametrize(
    ("http", "local"),
    [
        ("{listen: 'localhost:80'}", True),
        ("{listen: '[::1]:80'}", True),
        ("{listen: '0.0.0.0:80', insecure: true}", False),
        ("{listen: '[::]:80', proxy: {from: [10.0.0.5/32]}}", False),
        (
            f"{{listen: 'pmo.example.org:80', users: {{ann: {{hash: '{BCRYPT}'}}}}, tls: {{cert: c.pem, key: k.pem}}}}",
            False,
        ),
    ],
    ids=["name", "six", "insecure", "proxy", "login-over-tls"],
)
def test_listening_beyond_this_machine_is_guarded_or_meant(folder: Path, http: str, local: bool) -> None:
    for name in ("c.pem", "k.pem"):
        (folder / name).write_text("")

    assert settings_of(folder, f"http: {http}\n").http.is_local is local


# --- layers -------------------------------------------------------------------------------------------------------


def test_environment_wins_over_the_file_and_secret_files_over_both(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "credentials").mkdir()
    (folder / "credentials" / "PMO_WATCH_RETENTION").write_text("3y\n")
    (folder / "credentials" / "unrelated.bin").write_bytes(b"\xff\xfe\x00")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder / "credentials"))
    monkeypatch.setenv("PMO_WATCH_RETENTION", "2y")
    monkeypatch.setenv("PMO_WATCH_HTTP__LISTEN", "127.0.0.1:1")
    monkeypatch.setenv("PMO_WATCH_MERGE", '{"cost": ["ict-plans"]}')
    monkeypatch.setenv("PMO_WATCH_SOURCES__ICT_PLANS__MAX_ROWS", "7")
    monkeypatch.setenv("PMO_WATCH_NOTIFIERS__MAIL__TYPE", "post")
    monkeypatch.setenv("PMO_WATCH_NOTIFIERS__MAIL__HOST", "smtp.example.org")
    monkeypatch.setenv("PMO_WATCH_NOTIFIERS__MAIL__PORT", "587")

    settings = settings_of(
        folder,
        'retention: 1y\nhttp: {listen: "127.0.0.1:2", open_metrics: true}\n'
        "sources: {ict-plans: {type: sheet, path: x}}\n",
    )

    assert settings.retention == timedelta(days=3 * 365)
    assert (settings.http.port, settings.http.open_metrics) == (1, True)
    assert settings.merge == {"cost": ("ict-plans",)}
    assert cast(SheetSettings, settings.sources["ict-plans"].settings).max_rows == 7
    assert cast(PostSettings, settings.notifiers["mail"].settings).host == "smtp.example.org"


def test_empty_variable_says_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PMO_WATCH_PLUGINS_DIR", "")
    monkeypatch.setenv("PMO_WATCH_HTTP__LISTEN", "")

    settings = settings_of(folder)

    assert (settings.plugins_dir, settings.http.port) == (None, 9464)


def test_variable_that_is_no_setting_is_a_warning(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PMO_WATCH_DATABSE__URL", "x")
    monkeypatch.setenv("PMO_WATCH_HTTP_LISTEN", "x")
    monkeypatch.setenv("PMO_WATCH_SECRET_TOKEN", "x")

    assert settings_of(folder).warnings == (
        "environment PMO_WATCH_DATABSE__URL: there is no setting 'databse', did you mean 'database'?",
        (
            "environment PMO_WATCH_HTTP_LISTEN: there is no setting 'http_listen'; "
            "parts are joined by two underscores: PMO_WATCH_HTTP__LISTEN"
        ),
    )


def test_file_is_found_in_the_usual_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("pmo_watch.settings_layers.SEARCHED", (Path("pmo-watch.yaml"), Path("etc/pmo-watch.yaml")))

    with pytest.raises(SettingsError) as nowhere:
        find_settings()
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/pmo-watch.yaml").write_text("")
    in_etc = find_settings()
    (tmp_path / "pmo-watch.yaml").write_text("")
    here = find_settings()
    monkeypatch.setenv("PMO_WATCH_CONFIG", "etc/pmo-watch.yaml")
    named = find_settings()
    with pytest.raises(SettingsError) as given:
        find_settings(Path("other.yaml"))

    assert str(nowhere.value).startswith("no settings: neither pmo-watch.yaml nor etc/pmo-watch.yaml exists;")
    assert [str(one) for one in (in_etc, here, named)] == ["etc/pmo-watch.yaml", "pmo-watch.yaml", "etc/pmo-watch.yaml"]
    assert str(given.value) == "the settings file other.yaml, named by --config, does not exist"


def test_folder_of_plugins_is_known_before_the_settings_are_checked(folder: Path) -> None:
    (folder / "own").mkdir()
    path = folder / "pmo-watch.yaml"

    path.write_text("plugins_dir: own\nsources: {x: {type: not-loaded-yet}}\nqwerty: 1\n")
    named = plugins_folder(path)
    path.write_text("plugins_dir: nowhere\n")
    absent = plugins_folder(path)
    path.write_text(": :\n")
    broken = plugins_folder(path)

    assert (named, absent, broken) == (folder / "own", None, None)


# --- secrets ------------------------------------------------------------------------------------------------------

MAIL = "notifiers:\n  mail: {type: post, host: smtp.example.org, port: 587, password: {secret: smtp-password}}\n"


def password(settings: Settings) -> str:
    secret = cast(PostSettings, settings.notifiers["mail"].settings).password
    assert secret is not None
    return secret.get_secret_value()


def test_secret_comes_from_a_file_or_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PMO_WATCH_SECRET_SMTP_PASSWORD", "of the environment")
    from_environment = settings_of(folder, MAIL)
    (folder / "credentials").mkdir()
    (folder / "credentials" / "smtp-password").write_text("of systemd\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder / "credentials"))
    from_systemd = settings_of(folder, MAIL)
    (folder / "secrets").mkdir()
    (folder / "secrets" / "smtp-password").write_text("of the folder\n")
    from_folder = settings_of(folder, f"secrets_dir: secrets\n{MAIL}")

    assert [password(one) for one in (from_environment, from_systemd, from_folder)] == [
        "of the environment",
        "of systemd",
        "of the folder",
    ]
    assert from_folder.secrets == {"of the folder"}
    assert from_folder.warnings == ()


def test_secret_that_is_nowhere_says_where_it_was_looked_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("secrets", "credentials"):
        (folder / name).mkdir()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder / "credentials"))

    said = faults_of(folder, f"secrets_dir: secrets\n{MAIL}")

    assert said == [
        (
            "pmo-watch.yaml:3:76: the secret 'smtp-password' was not found: looked for the file secrets/smtp-password "
            "and the file credentials/smtp-password and the variable PMO_WATCH_SECRET_SMTP_PASSWORD"
        )
    ]


def test_secret_file_that_is_empty_or_no_text_is_a_fault(folder: Path) -> None:
    (folder / "secrets").mkdir()
    secret = folder / "secrets" / "smtp-password"

    secret.write_text("\n")
    empty = faults_of(folder, f"secrets_dir: secrets\n{MAIL}")
    secret.write_bytes(b"\xff\xfe")
    binary = faults_of(folder, f"secrets_dir: secrets\n{MAIL}")

    assert empty == ["pmo-watch.yaml:3:76: the secret 'smtp-password': secrets/smtp-password is empty"]
    assert binary == ["pmo-watch.yaml:3:76: the secret 'smtp-password': secrets/smtp-password cannot be read as text"]


def test_literal_secret_is_accepted_with_a_warning(folder: Path) -> None:
    settings = settings_of(
        folder,
        'database: {url: "postgresql://pmo:gehe%21m@db/pmo"}\n'
        "notifiers:\n  mail: {type: post, host: h, port: 587, password: geheim}\n"
        f"http: {{users: {{ann: {{hash: '{BCRYPT}'}}}}}}\n",
    )

    assert password(settings) == "geheim"
    assert [one.replace(f"{folder}/", "") for one in settings.warnings] == [
        "pmo-watch.yaml:1:17: this password can be read in the file: give it by environment",
        "pmo-watch.yaml:3:52: this secret can be read in the file: write password: {secret: NAME}",
    ]
    assert settings.secrets == {"geheim", "gehe!m", BCRYPT}


def test_secret_given_by_environment_is_no_literal(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PMO_WATCH_NOTIFIERS__MAIL__PASSWORD", "geheim")

    settings = settings_of(folder, MAIL.replace("{secret: smtp-password}", "old"))

    assert (password(settings), settings.warnings) == ("geheim", ())


def test_warnings_of_plugins_and_of_open_doors(folder: Path) -> None:
    settings = settings_of(
        folder,
        "http: {listen: '0.0.0.0:1', insecure: true, external_url: 'https://pmo.example.org/'}\n"
        "notifiers:\n  mail: {type: post, host: smtp.example.org}\n",
    )

    assert [one.replace(f"{folder}/", "") for one in settings.warnings] == [
        "pmo-watch.yaml:1:7: without ack.keys messages hold no acknowledge link",
        "pmo-watch.yaml:1:39: insecure: anybody who reaches it may read",
        "pmo-watch.yaml:3:9: port 25 is for servers",
    ]
    assert settings.http.external_url == "https://pmo.example.org"


def test_settings_are_shown_without_secrets(folder: Path) -> None:
    key = "0123456789abcdef0123456789abcdef"
    settings = settings_of(
        folder,
        'database: {url: "postgresql://pmo:geheim@db/pmo"}\n'
        f"http: {{users: {{ann: {{hash: '{BCRYPT}'}}}}, ack: {{keys: [{{id: k, key: {key}}}]}}}}\n"
        "sources: {plans: {type: sheet, path: 'https://ann:hunter2@example.org/x.csv', every: 90s}}\n"
        "notifiers:\n  mail: {type: post, host: h, port: 587, password: geheim, from: pmo@example.org}\n"
        "delivery: {expires: 2d}\ncalendars: {be: {country: BE, extra_days: [2026-08-14]}}\n",
    )

    shown: dict[str, Any] = redacted(settings)

    text = json.dumps(shown)
    assert "geheim" not in text
    assert key not in text
    assert BCRYPT not in text
    assert "hunter2" not in text
    assert "geheim" not in repr(settings)
    assert key not in repr(settings)
    assert shown["database"] == {"url": "postgresql://pmo:***@db/pmo"}
    assert shown["notifiers"]["mail"] == {
        "type": "post",
        "host": "h",
        "port": 587,
        "password": "***",
        "proxy": "",
        "from": "pmo@example.org",
        "enabled": True,
        "fallback": "",
    }
    assert shown["sources"]["plans"]["path"] == "https://***@example.org/x.csv"
    assert (shown["sources"]["plans"]["every"], shown["delivery"]["expires"]) == ("90s", "2d")
    assert shown["delivery"]["send_from"] == "08:30"
    assert shown["calendars"]["be"]["extra_days"] == ["2026-08-14"]
