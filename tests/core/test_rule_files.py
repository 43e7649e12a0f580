"""Folders of rule files: what is in force, what a faulty file keeps, what files say against each other."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from catalogues import CATALOGUE
from rule_texts import SLIP, SPECIFIED, load, said

from pmo_watch import rules
from pmo_watch.rule_files import Catalogue, LoadedRules, Readable, load_rules, rules_from_texts

# --- several files ------------------------------------------------------------------------------------------------


def test_faults_of_all_files_come_in_one_run() -> None:
    other = SLIP.replace("id: slip", "id: other")
    loaded = load(a="rules: [", b=f"rules:\n{other.replace('milestone.slip', 'velocity')}", c=f"rules:\n{SLIP}", d="")

    assert [one.partition(":")[0] for one in said(loaded)] == ["a.yaml", "b.yaml", "d.yaml"]
    assert list(loaded.rules.rules) == ["slip"]


def test_names_may_stand_in_any_file() -> None:
    loaded = load(
        a=f"defaults: {{tell: {{red: [pmo]}}}}\nrules:\n{SLIP}",
        b="audiences: {pmo: {role: pmo, red: daily}}",
        c="digests: {daily: {}}",
    )

    assert loaded.faults == ()
    assert loaded.rules.digests["daily"] == rules.Digest("daily", "08:30", "every working day")


def test_name_defined_twice_names_both_places() -> None:
    audiences = "audiences:\n  pmo: {role: pmo}\n"
    loaded = load(a=f"{audiences}digests: {{daily: {{}}}}\nrules:\n{SLIP}", b=f"{audiences}rules:\n{SLIP}")

    assert said(loaded) == [
        "b.yaml:2:3: the audience 'pmo' stands twice; first at rules.d/a.yaml:2:3",
        "b.yaml:4:10: the id 'slip' stands twice; first at rules.d/a.yaml:5:10",
    ]
    assert loaded.rules.rules["slip"].file == "a.yaml"


def test_name_in_a_faulty_file_does_not_stop_a_good_one() -> None:
    loaded = load(a=f"rule: 1\nrules:\n{SLIP}", b=f"rules:\n{SLIP}")

    assert said(loaded)[1:] == ["a.yaml:3:10: the id 'slip' stands twice; first at rules.d/b.yaml:2:10"]
    assert loaded.rules.rules["slip"].file == "b.yaml"


def test_one_faulty_file_is_not_the_fault_of_others() -> None:
    loaded = load(
        audiences="audiences: {pmo: {role: pmo, red: at once}, boss: {rol: x}}",
        rules=f"defaults: {{tell: {{red: [pmo]}}}}\nrules:\n{SLIP}",
    )

    assert said(loaded) == [
        "audiences.yaml:1:45: an audience is a role, an email or a notifier; 'boss' has none of them",
        "audiences.yaml:1:52: 'rol' is not known here, did you mean 'role'?",
    ]
    assert loaded.rules.rules["slip"].tell == {"red": ("pmo",)}  # whom `route` does not find it takes for the PMO


def test_what_waits_for_a_digest_that_is_not_in_force_goes_at_once() -> None:
    loaded = load(a="digests: {daily: {at: late}}", b="audiences: {pmo: {role: pmo, red: daily, amber: never}}")

    assert len(loaded.faults) == 1
    assert loaded.rules.audiences["pmo"].deliver == {"red": "at once", "amber": "never"}


# --- the last good version ----------------------------------------------------------------------------------------


def again(before: LoadedRules, **texts: str) -> LoadedRules:
    present = Readable({f"{name}.yaml": text for name, text in texts.items()})
    return rules_from_texts(Path("rules.d"), present, CATALOGUE, before.texts)


def test_faulty_file_keeps_its_last_good_version() -> None:
    good = f"owner: pmo@example.org\nrules:\n{SLIP}"
    before = load(a=good, b="rules: []")

    after = again(before, a=good.replace("milestone.slip", "milestone.slpi"), b="rules: []")

    assert list(after.rules.rules) == ["slip"]
    assert after.texts == {"a.yaml": good, "b.yaml": "rules: []"}
    assert after.rules.stale_files == {
        "a.yaml": "rules.d/a.yaml:3:38: there is no measure 'milestone.slpi', did you mean 'milestone.slip'?"
    }
    assert after.rules.owners == {"a.yaml": "pmo@example.org"}
    assert after.rules.hash == before.rules.hash


def test_repaired_file_is_in_force_again() -> None:
    before = load(a=f"rules:\n{SLIP}")

    after = again(again(before, a="rules: ["), a="rules: []")

    assert (after.faults, dict(after.rules.rules), dict(after.rules.stale_files)) == ((), {}, {})


def test_removed_file_is_gone() -> None:
    before = load(a=f"rules:\n{SLIP}", b="rules: []")

    after = again(before, b="rules: []")

    assert (dict(after.rules.rules), set(after.texts)) == ({}, {"b.yaml"})


def test_owner_is_found_in_a_file_that_is_not_even_yaml() -> None:
    loaded = load(a='owner: "pmo@example.org"  # us\nrules: [')

    assert loaded.rules.owners == {"a.yaml": "pmo@example.org"}


def test_rule_that_moved_out_of_a_file_with_faults_counts_where_it_is_now() -> None:
    before = load(a=f"rules:\n{SLIP}")

    after = again(before, a="rules: [", b=f"rules:\n{SLIP.replace('Slips', 'Moved')}")

    assert after.rules.rules["slip"].name == {"en": "Moved"}
    assert set(after.rules.stale_files) == {"a.yaml"}


def test_last_good_version_that_is_no_longer_good_is_left_out() -> None:
    present = Readable({"a.yaml": "rules: ["})

    loaded = rules_from_texts(Path("rules.d"), present, Catalogue(), {"a.yaml": f"rules:\n{SLIP}"})

    assert (dict(loaded.rules.rules), dict(loaded.texts), len(loaded.faults)) == ({}, {}, 1)


# --- the folder ---------------------------------------------------------------------------------------------------


def test_files_at_any_depth_are_read_hidden_ones_and_tests_aside(tmp_path: Path) -> None:
    for name in ("10.yaml", "deep/er/20.yml", "30.YAML", ".hidden.yaml", ".git/40.yaml", "50.test.yaml", "60.txt"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"rules:\n{SLIP.replace('id: slip', f'id: r{name[-7:-5]}'.replace('/', ''))}")

    loaded = load_rules(tmp_path, CATALOGUE)

    assert loaded.faults == ()
    assert set(loaded.texts) == {"10.yaml", "deep/er/20.yml", "30.YAML"}


def test_what_cannot_be_read_is_a_fault_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "folder.yaml" / "inside.yaml").write_text(f"rules:\n{SLIP}")
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "odd\x07.yaml").write_text("rules: []")

    loaded = load_rules(tmp_path, CATALOGUE)

    assert [str(fault).replace(f"{tmp_path}/", "") for fault in loaded.faults] == [
        "folder.yaml:1:1: this is a folder, not a file; rename it so that it does not end in .yaml or .yml",
        "gone.yaml:1:1: the file does not exist",
        "odd·.yaml:1:1: the file's name holds a character that cannot be shown; rename it",
    ]
    assert list(loaded.rules.rules) == ["slip"]


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda folder: None, "the folder does not exist"),
        (lambda folder: folder.write_text("rules: []"), "this is a file, not a folder of rule files"),
    ],
    ids=["absent", "a file"],
)
def test_folder_that_cannot_be_read_takes_no_rule_out_of_force(
    tmp_path: Path, make: Callable[[Path], object], expected: str
) -> None:
    folder = tmp_path / "rules.d"
    make(folder)

    loaded = load_rules(folder, CATALOGUE, {"10.yaml": f"rules:\n{SLIP}"})

    assert [str(fault) for fault in loaded.faults] == [f"{folder}:1:1: {expected}"]
    assert list(loaded.rules.rules) == ["slip"]
    assert loaded.rules.stale_files == {"10.yaml": f"{folder}:1:1: {expected}"}


def test_empty_folder_is_no_fault(tmp_path: Path) -> None:
    loaded = load_rules(tmp_path, CATALOGUE)

    assert (loaded.faults, dict(loaded.rules.rules)) == ((), {})


def test_thousand_rules_load_in_seconds_and_reload_at_once(tmp_path: Path) -> None:
    head, _, rule = SPECIFIED.partition("rules:\n")
    for number in range(20):
        many = "".join(rule.replace("key-milestone-slip", f"rule-{number}-{one}") for one in range(50))
        shared = head if number == 0 else "defaults: {tell: {red: [pmo]}}\n"
        (tmp_path / f"{number:02}.yaml").write_text(f"{shared}rules:\n{many}", encoding="utf-8")

    begun = time.perf_counter()
    first = load_rules(tmp_path, CATALOGUE)
    loaded = time.perf_counter()
    (tmp_path / "19.yaml").write_text("rules: []")
    second = load_rules(tmp_path, CATALOGUE, first.texts)
    reloaded = time.perf_counter()

    assert (first.faults, len(first.rules.rules), len(second.rules.rules)) == ((), 1000, 950)
    assert loaded - begun < 30  # 2.5 s on two cores, nearly all of it the YAML library's
    assert (reloaded - loaded) * 5 < loaded - begun
