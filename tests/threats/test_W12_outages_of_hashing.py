"""What a hash library fails at is an outage (503) and never a wrong password (threat W12)."""

# ruff: noqa: N802 - a test carries the id of its row

from __future__ import annotations

import hashlib
import importlib.abc
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import passlib.hash
import pytest
from argon2.exceptions import VerificationError, VerifyMismatchError
from passlib.exc import PasswordSizeError, PasswordTruncateError

from tests.support.each import noting
from tests.support.logins import CountingHasher, Desk, bytes_of, guarded, log_in, write_htpasswd
from tests.support.passwords import MAKERS, PASSWORD, stored
from watchword import BasicCredentials, ConfigurationError, Reason, Refused, Unavailable
from watchword.checkers import Htpasswd, PasswordHasher, Users, verify_password
from watchword.checkers.passwords import check_hash
from watchword.checkers.passwords.probe import HASHES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from pathlib import Path
    from types import ModuleType

    from tests.support.drive import Behind
    from watchword.observe.notice import OperatorNotice


class PanicException(BaseException):
    """What bcrypt raises when its Rust code panics, under the name of its module."""

    __module__ = "pyo3_runtime"


FAILURES: list[BaseException] = [
    MemoryError(),
    VerificationError("Memory allocation error"),
    ImportError("PyO3 modules do not yet support subinterpreters"),
    RuntimeError("can't start new thread"),
    AttributeError("module 'hashlib' has no attribute 'scrypt'"),
    ValueError("[digital envelope routines] unsupported"),
    ValueError("password cannot be longer than 72 bytes, truncate manually if necessary"),
    OverflowError("int too large to convert"),
    OSError(12, "Cannot allocate memory"),
    KeyError("bcrypt"),
    Exception("anything"),
    PanicException("a panic"),
]
ABOUT_THE_PASSWORD: list[Exception] = [
    UnicodeEncodeError("ascii", "pässwörd", 1, 2, "ordinal not in range(128)"),
    PasswordSizeError(10),
    PasswordTruncateError(passlib.hash.bcrypt),
]


class Failing:
    """A context that knows bcrypt hashes and fails to verify them.

    Args:
        error: what it raises; None: nothing any more.
    """

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error

    def hash(self, secret: str | bytes) -> str:
        """Make one."""
        return MAKERS["bcrypt"](secret if isinstance(secret, str) else secret.decode())

    def verify(self, secret: str | bytes, hash: str) -> bool:  # noqa: A002 - passlib's names
        """Fail."""
        if self.error is not None:
            raise self.error
        return verify_password(hash, secret)

    def needs_update(self, hash: str) -> bool:  # noqa: A002 - passlib's names
        """Call none outdated."""
        return False

    def identify(self, hash: str) -> str | None:  # noqa: A002 - passlib's names
        """Know bcrypt."""
        return "bcrypt" if hash.startswith("$2b$") else None


def table(kind: str, hash_: str, hasher: object, folder: Path, events: list[OperatorNotice]) -> Any:
    """Return a checker in which ann has this hash."""
    if kind == "users":
        return Users({"ann": hash_}, hasher=hasher, on_event=events.append)
    if kind == "htpasswd":
        return Htpasswd(write_htpasswd(folder / "users", {"ann": hash_}), hasher=hasher, on_event=events.append)
    desk = Desk(hasher=PasswordHasher(context=hasher), on_event=events.append)
    desk.accounts.add("ann", password_hash=hash_)
    return desk.accounts


@pytest.mark.parametrize("kind", ["users", "htpasswd", "accounts"])
def test_W12_any_failure_is_503_for_known_and_unknown_names(kind: str, behind: Behind, tmp_path: Path) -> None:
    """The same octets for a right password, a wrong one and an unknown name; the operator reads account, format and cause."""
    for error in FAILURES:
        with noting(repr(error)):
            context, events = Failing(), list[Any]()
            send = behind(guarded(table(kind, stored("bcrypt"), context, tmp_path, events)))
            assert send(log_in("nobody", PASSWORD)).status == 401
            context.error = error
            answers = [send(log_in(name, password)) for name, password in (("ann", PASSWORD), ("ann", "wrong"), ("nobody", "wrong"))]
            assert {answer.status for answer in answers} == {503}
            assert len({repr(bytes_of(answer)) for answer in answers}) == 1
            reported = [event for event in events if event.kind == "hash_unavailable"]
            assert [event.subject for event in reported] == ["ann", ""]  # once each, however often they come
            assert all("bcrypt" in event.detail and type(error).__name__ in event.detail for event in reported)
            context.error = None
            assert send(log_in("ann", "wrong")).status == 401
            assert send(log_in("ann", PASSWORD)).status == 200


@pytest.mark.parametrize("error", ABOUT_THE_PASSWORD, ids=repr)
def test_W12_an_unhashable_password_is_a_wrong_password(error: Exception) -> None:
    """The list of exceptions that are about the password is closed, so a client cannot cause an outage by sending one."""
    users = Users({"ann": stored("bcrypt")}, hasher=(context := Failing()))
    context.error = error
    for name, reason in (("ann", Reason.WRONG_SECRET), ("nobody", Reason.UNKNOWN_IDENTITY)):
        assert users.check(BasicCredentials(name, "pässwörd")) == Refused(reason)


def test_W12_of_argon2_a_mismatch_is_one_exception_by_name() -> None:
    """Its base class reports that there was no memory."""
    assert issubclass(VerifyMismatchError, VerificationError)
    hasher = PasswordHasher(time_cost=1, memory_cost=64)
    assert hasher.verify(hasher.hash(PASSWORD), "wrong") is False


def test_W12_neither_password_nor_hash_is_in_what_an_operator_reads(tmp_path: Path) -> None:
    """A context may put both into its exception: its words are not repeated."""
    context, events = Failing(), list[Any]()
    users = table("users", stored("bcrypt"), context, tmp_path, events)
    context.error = MemoryError(f"cannot verify {PASSWORD} against {stored('bcrypt')}")
    with pytest.raises(Unavailable) as caught:
        users.check(BasicCredentials("ann", PASSWORD))
    for text in (str(caught.value), caught.value.why, repr(events), repr(caught.value.__context__), repr(caught.value.__cause__)):
        assert PASSWORD not in text
        assert stored("bcrypt") not in text


@pytest.mark.parametrize("error", FAILURES[-3:], ids=repr)
@pytest.mark.parametrize("kind", ["users", "htpasswd", "accounts"])
def test_W12_a_context_that_always_fails_is_a_mistake_at_construction(kind: str, error: BaseException, tmp_path: Path) -> None:
    """The message names the cause, which says what to update."""
    with pytest.raises(ConfigurationError, match=type(error).__name__) as caught:
        table(kind, stored("bcrypt"), Failing(error), tmp_path, [])
    assert stored("bcrypt") not in str(caught.value)


class Refusing(importlib.abc.MetaPathFinder):
    """Does not let a library be imported.

    Args:
        library: its top-level module.
        error: what is raised instead.
    """

    def __init__(self, library: str, error: Exception) -> None:
        self.library = library
        self.error = error

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Raise."""
        if fullname.partition(".")[0] == self.library:
            raise self.error
        return None


LIBRARIES = [
    ("bcrypt", "bcrypt"),
    ("django-bcrypt-sha256", "bcrypt"),
    ("apr1", "passlib"),
    ("werkzeug-scrypt", "werkzeug"),
    ("django-scrypt", "django"),
    ("argon2id", "argon2"),
]


@pytest.mark.parametrize(("scheme", "library"), LIBRARIES)
def test_W12_an_import_error_of_an_installed_library_is_reported(scheme: str, library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message does not ask to install it. Accounts that have such a hash get 503."""
    desk = Desk()
    desk.accounts.add("ann", password_hash=stored(scheme))
    for name in [name for name in sys.modules if name.partition(".")[0] == library]:
        monkeypatch.delitem(sys.modules, name)
    refusing = Refusing(library, ImportError("PyO3 modules do not yet support subinterpreters"))
    monkeypatch.setattr(sys, "meta_path", [refusing, *sys.meta_path])
    with pytest.raises(ConfigurationError, match=r"PyO3 modules do not yet support subinterpreters") as caught:
        check_hash(stored(scheme), "ann")
    assert "not installed" not in str(caught.value)
    with pytest.raises(ConfigurationError, match="PyO3"):
        Users({"ann": stored(scheme)})
    for name in ("ann", "nobody"):
        with pytest.raises(Unavailable, match="PyO3"):
            desk.accounts.check(BasicCredentials(name, PASSWORD))
    assert [(event.kind, event.subject) for event in desk.events] == [("hash_unavailable", "ann"), ("hash_unavailable", "")]


@pytest.mark.parametrize("scheme", ["werkzeug-scrypt", "django-scrypt"])
def test_W12_an_openssl_without_scrypt_is_found_at_construction(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Builds of Python against LibreSSL or a restricted OpenSSL lack it; the import works all the same."""
    from watchword.checkers.passwords import probe

    hash_ = stored(scheme)  # made while it can be
    probe._matches.cache_clear()
    monkeypatch.delattr(hashlib, "scrypt")
    with pytest.raises(ConfigurationError, match=r"cannot compute it \(AttributeError: module 'hashlib' has no attribute 'scrypt'"):
        Users({"ann": hash_})
    with pytest.raises(Unavailable, match="AttributeError"):
        verify_password(hash_, PASSWORD)
    monkeypatch.undo()
    Users({"ann": hash_})  # a failure is not remembered: it may pass


def test_W12_every_format_has_a_cheap_hash_to_try() -> None:
    """Of its own format, with the right answers to a right and a wrong password."""
    assert set(HASHES) == {check.format for name in MAKERS if (check := PasswordHasher().find(stored(name)))}
    for name, hash_ in HASHES.items():
        found = PasswordHasher().find(hash_)
        assert found is not None
        assert found.format == name
        assert verify_password(hash_, "probe") is True
        assert verify_password(hash_, "prob") is False


NO_MEMORY = """
import resource, sys
from watchword import BasicCredentials, Unavailable
from watchword.checkers import Users
users = Users({"ann": sys.argv[1]})
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 64 * 2**20, resource.RLIM_INFINITY))
for name in ("ann", "nobody"):
    try:
        print(users.check(BasicCredentials(name, "s3cret")))
    except Unavailable as error:
        print("503", error.why)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits the memory of a process as Linux does")
@pytest.mark.parametrize("scheme", ["argon2id", "werkzeug-scrypt", "scrypt"])
def test_W12_a_process_without_memory_answers_503(scheme: str) -> None:
    """A real one, by each library that takes much: the exceptions are the libraries' own."""
    # 256 MiB each. It comes to no digest, so a cheap hash need not be made again for these parameters.
    costs = {"argon2id": ("m=64,", "m=262144,"), "werkzeug-scrypt": ("scrypt:128:", "scrypt:262144:"), "scrypt": ("ln=4,", "ln=18,")}
    cheap, dear = costs[scheme]
    assert cheap in stored(scheme)
    expensive = stored(scheme).replace(cheap, dear)
    ended = subprocess.run([sys.executable, "-c", NO_MEMORY, expensive], capture_output=True, text=True, check=True, timeout=250)
    lines = [line for line in ended.stdout.splitlines() if line.startswith(("503", "Refused", "Accepted"))]
    assert [line[:3] for line in lines] == ["503", "503"], ended
    assert all(scheme in line for line in lines)
    assert "hash_unavailable: ann" in ended.stderr


def test_W12_a_mixture_with_one_format_out_answers_unknown_names_like_known_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where bcrypt is out, accounts with it get 503, and so do the unknown names that are dealt to it: as many as such accounts."""
    desk = Desk(hasher=CountingHasher(settles=True))
    for number in range(10):
        desk.accounts.add(f"b{number}", password_hash=stored("bcrypt"))
        desk.accounts.add(f"a{number}", "s3cret")
    monkeypatch.setitem(sys.modules, "bcrypt", None)

    def outcome(name: str) -> str:
        try:
            return str(desk.accounts.check(BasicCredentials(name, "x")))
        except Unavailable:
            return "503"

    assert {outcome(f"b{number}") for number in range(10)} == {"503"}
    assert "503" not in {outcome(f"a{number}") for number in range(10)}
    unknown = [outcome(f"nobody{number}") for number in range(200)]
    assert 60 < unknown.count("503") < 140
    assert [outcome(f"nobody{number}") for number in range(200)] == unknown
