"""How a plan begins in the file: the root's tag as writers form it, instructions and comments around it."""

from pathlib import Path

import pytest
from plans import plan, read_one, task
from pmo_watch_plugins.sources.ms_project.openings import marked

from pmo_watch.api import SourceDataError

NAMESPACE = 'xmlns="http://schemas.microsoft.com/project"'
PLAN = plan(task(1, "Order"), task(2, "Build"), Name="Portal")


@pytest.mark.parametrize(
    "root",
    [
        f"<Project {NAMESPACE}>",
        "<Project xmlns='http://schemas.microsoft.com/project'>",
        f'<Project\n\t{NAMESPACE}\n\txmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" >',
        f'<Project note="a > b" {NAMESPACE}>',
        f'<Project {NAMESPACE} note="a > b">',
        "<Project>",
        '<p:Project xmlns:p="http://schemas.microsoft.com/project">',
        f"<!-- <Project {NAMESPACE}> --><Project {NAMESPACE}>",
        f'<?mso-application progid="MSProject.Project"?>\n<Project {NAMESPACE}>',
        f"<Project {NAMESPACE}><?editor indent?><!-- hand-made -->",
    ],
)
def test_the_root_may_be_written_in_many_ways(root: str, tmp_path: Path) -> None:
    answer = read_one(tmp_path, PLAN.replace(f"<Project {NAMESPACE}>", root).replace("</Project>", closing(root)))

    assert [row["name"] for row in answer.rows("task")] == ["Order", "Build"]
    assert not answer.summary.rejected


def closing(root: str) -> str:
    return "</p:Project>" if "p:Project" in root else "</Project>"


def test_an_instruction_inside_a_text_takes_nothing_away(tmp_path: Path) -> None:
    answer = read_one(tmp_path, PLAN.replace("Order", "Or<?editor break?>der"))

    assert [row["name"] for row in answer.rows("task")] == ["Order", "Build"]


def test_a_fault_is_where_it_stands_in_the_file(tmp_path: Path) -> None:
    column = PLAN.splitlines()[1].index("</Name>") + len("</Name>") + 1

    with pytest.raises(SourceDataError, match=f"^plan.xml:2:{column}: not well-formed XML"):
        read_one(tmp_path, PLAN.replace("</Name>", "</Nome>", 1))


@pytest.mark.parametrize(
    "head", [f"<Project {NAMESPACE}><Tasks>", "<Project xmlns=''>", f'<Project\na="1"\n{NAMESPACE}\n\nb="2">\n<Tasks>']
)
def test_the_mark_moves_nothing_behind_the_tag_to_another_line(head: str) -> None:
    before = head.encode()
    after = marked(before)

    assert b"<?root?>" in after
    assert (len(after), after.count(b"\n")) == (len(before), before.count(b"\n"))


@pytest.mark.parametrize(
    "head", ["<Project>", f"<Project {NAMESPACE}/>", f"<Projects {NAMESPACE}>", f"<Project {NAMESPACE}"]
)
def test_what_has_no_namespace_to_spare_stays_as_it_is(head: str) -> None:
    assert marked(head.encode()) == head.encode()
