"""Random histories of several processes over one database, against a model that knows the truth: the bound of a revocation."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from watchword.stores import MemoryStore, SQLStore
from watchword.stores.sql import log
from watchword.stores.sql.freshness import Asked, Freshness
from watchword.stores.sql.log import Entry
from watchword.testing import FixedClock
from watchword.testing.stores import key

B = 4.0
PROCESSES = 2
SUBJECTS = "ab"


@dataclass
class Lease:
    """What a process has cached: when the truth of it was read, and by which revision."""

    subject: str
    revision: int
    version: int


@dataclass
class Question:
    """A question under way. It is answered as of one moment between its beginning and its end."""

    asked: Asked
    subject: str
    revision: int
    answer: tuple[int, list[Entry], int] | None = None


@dataclass
class World:
    """A database with its log, processes, and when what was changed."""

    clock: FixedClock = field(default_factory=lambda: FixedClock(1000))
    generation: int = 0
    rows: list[Entry] = field(default_factory=list)
    versions: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SUBJECTS, 0))
    outdated: dict[tuple[str, int], float] = field(default_factory=dict)  # since when a version of a subject is not true any more
    backup: Any = None

    def __post_init__(self) -> None:
        """Begin with processes that know nothing."""
        self.processes = [Freshness(self.clock, B) for _ in range(PROCESSES)]
        self.questions: list[list[Question]] = [[] for _ in self.processes]
        self.leases: list[list[Lease]] = [[] for _ in self.processes]

    def ask(self, at: int, subject: str) -> None:
        """Begin a question."""
        process = self.processes[at]
        revision = process.revision()
        self.questions[at].append(Question(process.asking(), subject, revision))

    def read(self, at: int, number: int) -> None:
        """Let the database answer a question; the answer is under way then."""
        if waiting := [one for one in self.questions[at] if one.answer is None]:
            one = waiting[number % len(waiting)]
            known = one.asked.position
            news = [] if known in {None, self.generation} else [row for row in self.rows if row.id > (known or 0)]
            one.answer = self.generation, news, self.versions[one.subject]

    def hear(self, at: int, number: int) -> None:
        """Let an answer arrive, and cache it."""
        if arriving := [one for one in self.questions[at] if one.answer is not None]:
            one = arriving[number % len(arriving)]
            self.questions[at].remove(one)
            assert one.answer is not None
            generation, news, version = one.answer
            self.processes[at].answered(one.asked, generation, news)
            self.leases[at].append(Lease(one.subject, one.revision, version))

    def change(self, at: int, subject: str, step: int, *, known: bool = True) -> None:
        """Change a subject in a process; `known`: its commit is acknowledged."""
        asked = self.processes[at].asking()
        entry = Entry(self.generation + step, self.generation, frozenset({subject}))
        self.rows.append(entry)
        self._alter(subject, entry.id)
        if known:
            self.processes[at].changed(asked, entry)
        else:
            self.processes[at].forget()

    def by_hand(self, subject: str, step: int) -> None:
        """Change a subject without a word in the log."""
        self._alter(subject, self.generation + step)

    def _alter(self, subject: str, generation: int) -> None:
        self.generation = generation
        self.outdated[subject, self.versions[subject]] = self.clock.now()
        self.versions[subject] = max(number for name, number in [*self.outdated, (subject, 0)] if name == subject) + 1

    def trim(self, kept: int) -> None:
        """Forget the oldest rows."""
        self.rows = self.rows[max(0, len(self.rows) - kept) :]

    def save(self) -> None:
        """Make a backup."""
        self.backup = self.generation, list(self.rows), dict(self.versions)

    def restore(self) -> None:
        """Put the backup back; what was true then is true again."""
        if self.backup is not None:
            self.generation, rows, versions = self.backup
            self.rows = list(rows)
            for subject, version in versions.items():
                if version != self.versions[subject]:
                    self.outdated[subject, self.versions[subject]] = self.clock.now()
                    self.outdated.pop((subject, version), None)
            self.versions = dict(versions)

    def check(self) -> None:
        """No process takes for true what has not been so for longer than the bound."""
        now = self.clock.now()
        for process, leases in zip(self.processes, self.leases, strict=True):
            for lease in leases:
                if process.is_current(lease.revision, [lease.subject]):
                    since = self.outdated.get((lease.subject, lease.version))
                    assert since is None or now <= since + B, lease


def step(random: Random, faults: float) -> tuple[Any, ...]:
    """Return something that happens."""
    at, number, subject = random.randrange(PROCESSES), random.randrange(4), random.choice(SUBJECTS)
    if random.random() < faults:
        # A generation is greater by a random amount, so that none comes again.
        by = random.randint(1, 2**24)
        name = random.choice(["unknown", "by_hand", "trim", "save", "restore"])
        return {"unknown": (name, at, subject, by), "by_hand": (name, subject, by), "trim": (name, number)}.get(name, (name,))
    match random.choice(["ask", "ask", "read", "read", "hear", "hear", "change", "pass"]):
        case "ask":
            return "ask", at, subject
        case "change":
            return "change", at, subject, random.randint(1, 2**24)
        case "pass":
            return "pass", random.choice([0.5, 1.0, 3.0, 4.0])
        case name:
            return name, at, number


@given(st.integers(0, 2**64), st.sampled_from([0.0, 0.02, 0.1]))
@settings(max_examples=600, deadline=None)
def test_nothing_is_taken_for_true_longer_than_the_bound(seed: int, faults: float) -> None:
    """Whatever overtakes what: questions, answers, changes, lost acknowledgements, trimmed logs, changes by hand and backups."""
    random, world = Random(seed), World()
    for _ in range(80):
        name, *arguments = step(random, faults)
        match name:
            case "pass":
                world.clock.advance(*arguments)
            case "unknown":
                world.change(*arguments, known=False)
            case _:
                getattr(world, name)(*arguments)
        world.check()


@given(st.integers(0, 2**64))
@settings(max_examples=100, deadline=None)
def test_a_change_of_one_leaves_the_others_alone(seed: int) -> None:
    """Where nothing is lost or overtaken, what is cached about a subject is current exactly until that subject is changed."""
    random, world = Random(seed), World()

    def look(at: int, *subjects: str) -> None:
        for subject in subjects:
            world.ask(at, subject)
            world.read(at, 0)
            world.hear(at, 0)

    for at in range(PROCESSES):
        look(at, "a")
    for _ in range(40):
        subject = random.choice(SUBJECTS)
        if random.random() < 0.3:
            world.change(0, subject, random.randint(1, 2**24))
        else:
            # The first answer brings the news; what is cached by the question that brings it is asked for again.
            at = random.randrange(PROCESSES)
            look(at, subject)
            world.leases[at].pop()
            look(at, subject)
    for at, process in enumerate(world.processes):
        look(at, "a")
        for lease in world.leases[at][1:-1]:
            assert process.is_current(lease.revision, [lease.subject]) == (lease.version == world.versions[lease.subject])


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Two stores on one file, whose log holds three changes."""
    clock = FixedClock(1000)
    url = f"sqlite:///{tmp_path_factory.mktemp('revisions')}/auth.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log, "KEPT", 3)
        patch.setattr(log, "_TRIM_EVERY", 2)
        opened = [SQLStore(url, clock=clock, staleness=B) for _ in range(2)]
        yield clock, opened
        for store in opened:
            store.close()


@given(st.lists(st.tuples(st.sampled_from(["revoke", "look", "look", "pass"]), st.integers(0, 1), st.sampled_from(SUBJECTS)), max_size=25))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_revoked_keys_in_real_stores(stores: Any, history: list[tuple[str, int, str]]) -> None:
    """Two processes as far as they know of each other: no key is taken for valid longer than the bound after it was revoked."""
    clock, opened = stores
    for name in SUBJECTS:
        if opened[0].find_key(name) is None:
            opened[0].add_key(key(name, name))
    revoked: dict[tuple[str, int], float] = {}
    leases: list[tuple[Any, int, Any]] = []
    for name, at, subject in history:
        store = opened[at]
        if name == "revoke":
            found = store.find_key(subject)
            assert store.replace_key(found) is not None
            revoked[subject, found.version] = clock.now()
        elif name == "look":
            revision = store.revision()
            leases.append((store, revision, store.find_key(subject)))
        else:
            clock.advance(1.5)
        for store, revision, found in leases:
            if store.is_current(revision, found.subjects):
                since = revoked.get((found.id, found.version))
                assert since is None or clock.now() < since + B


@given(st.lists(st.tuples(st.sampled_from(["revoke", "look"]), st.sampled_from(SUBJECTS)), max_size=30))
@settings(max_examples=100, deadline=None)
def test_revoked_keys_in_memory(history: list[tuple[str, str]]) -> None:
    """In one process a change counts at once, and for its key alone."""
    store = MemoryStore()
    for name in SUBJECTS:
        store.add_key(key(name, name))
    leases: list[tuple[int, Any]] = []
    for name, subject in history:
        found: Any = store.find_key(subject)
        if name == "revoke":
            store.replace_key(found)
        else:
            leases.append((store.revision(), found))
        for revision, lease in leases:
            now: Any = store.find_key(lease.id)
            assert store.is_current(revision, lease.subjects) == (lease.version == now.version)
