"""Keeps the sample programme's agile project in a Jira on this machine, as its team would edit it week by week."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pmo_watch.demo import story
from pmo_watch.demo.fake_jira import FakeJira
from pmo_watch.demo.jira_site import Person

ZONE = ZoneInfo("Europe/Brussels")
SAVED = time(8, 30)
SPRINT_LENGTH = timedelta(days=11)
REVIEW = timedelta(minutes=20)  # of its last Friday, after the tickets were brought up to date
PLANNED = timedelta(days=3)  # before its Monday, a sprint is filled
SPRINT, POINTS = "com.pyxis.greenhopper.jira:gh-sprint", "com.atlassian.jira.plugin.system.customfieldtypes:float"


class Team:
    """One project with a board and sprints; `write` makes it what it was in a week, through edits like a person's."""

    def __init__(self, jira: FakeJira) -> None:
        self._jira = jira
        self._site = site = jira.site
        key, leader = story.TEAM_KEY, story.TEAM_LEADER
        self._people = {name: Person(email.partition("@")[0], name, email) for name, email in story.TEAM}
        site.persons.extend(self._people.values())
        self._board = site.add_project(key, story.TEAM_PROJECT)
        site.add_field("sprints", "Sprint", "array", SPRINT)
        site.add_field("points", "Story Points", "number", POINTS)
        began = _at(story.SPRINTS[0][1] - PLANNED)
        release = site.add_version(key, "1.0", story.PILOT[0])
        self._sprints = [site.add_sprint(self._board, name, _at(start)) for name, start in story.SPRINTS]
        self._pilot = site.add(
            key, "Milestone", story.PILOT_NAME, began, due=story.PILOT[0], owner=self._people[leader]
        ).key
        self._stories = [
            site.add(
                key,
                "Story",
                text,
                began,
                points=float(points),
                owner=self._people[who],
                versions=[release],
                sprints=None if sprint else [self._sprints[sprint]],
            ).key
            for text, points, who, sprint, _ in story.STORIES
        ]

    def write(self, number: int) -> None:
        """Write the state of one week (0 is the first) over that of the week before."""
        with self._jira.lock:
            self._write(number, story.WEEKS[number])

    def _write(self, number: int, day: date) -> None:
        self._site.now = _at(day)
        self._site.hidden = {story.TEAM_KEY} if number == story.HIDDEN_WEEK else set()
        for key, (_, _, _, sprint, done) in zip(self._stories, story.STORIES, strict=True):
            begins = story.SPRINTS[sprint][1]
            status = "Done" if done <= number else "In Progress" if begins <= day else "To Do"
            self._site.edit(key, status=status, sprints=[self._sprints[sprint]] if begins - PLANNED <= day else None)
        self._site.edit(self._pilot, due=story.PILOT[number])
        for sprint, (_, start) in zip(self._sprints, story.SPRINTS, strict=True):
            state = self._site.sprints[sprint].state
            if start + SPRINT_LENGTH <= day and state != "closed":
                self._site.close(sprint, _at(day) + REVIEW)
            elif start <= day and state == "future":
                self._site.start(sprint)


def _at(day: date) -> datetime:
    return datetime.combine(day, SAVED, ZONE)
