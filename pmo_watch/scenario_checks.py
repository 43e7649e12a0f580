"""What `check` says of scenario tests without running them: faults in their files, and rules that nothing shows."""

from pmo_watch.faults import Fault, Faults
from pmo_watch.in_force import InForce
from pmo_watch.rule_files import list_test_files
from pmo_watch.scenario_file import read_scenario
from pmo_watch.scenario_stage import surroundings


def check_tests(in_force: InForce) -> tuple[list[Fault], list[str]]:
    """Return the faults of the tests, and the rules that are switched on and have neither example nor test.

    With faults in rule files nothing is said: tests may name what is missing for that reason.
    """
    if in_force.loaded.faults:
        return [], []
    faults: list[Fault] = []
    tested: set[str] = set()
    around = surroundings(in_force)
    for path in list_test_files(in_force.settings.rules):
        try:
            tested |= set(read_scenario(path, around).rules)
        except Faults as error:
            faults += error.faults
    rules = in_force.rules.rules.values()
    return faults, [one.id for one in rules if one.enabled and not one.examples and one.id not in tested]
