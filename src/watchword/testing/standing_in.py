"""Replaces the credentials step of one guard while a test acts as a caller.

The guard has no method for this, so that production has nothing to call. The object that decides for the guard is exchanged, and put back
when the last block ends. The fast path is closed meanwhile: it would decide by the credentials that a request shows.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from watchword.credentials import Credentials
from watchword.decision import NOBODY, Caller
from watchword.guard.deciding import Deciding
from watchword.guard.verifying import stamped
from watchword.locking import ProcessLock
from watchword.observe.notice import OperatorNotice, log_notice
from watchword.validators import invalid

if TYPE_CHECKING:
    from watchword.authorization.rules import Route
    from watchword.clock import Clock
    from watchword.decision import Decision
    from watchword.guard import Guard
    from watchword.guard.policy import Entry
    from watchword.operation import Steps
    from watchword.principal import Principal
    from watchword.request import RequestView

_NONE: Final = Credentials()
_LOCK: Final = ProcessLock()


class Block:
    """One `with acting_as(...)`.

    Args:
        principal: the caller.
        guard: the guard that takes requests for those of this caller.
        everywhere: whether it does so in all threads and tasks.

    Raises:
        ConfigurationError: the evidence of the principal names a scheme that the guard does not have.
    """

    __slots__ = ("_guard", "_is_entered", "entry", "everywhere", "principal")

    def __init__(self, principal: Principal, guard: Guard, *, everywhere: bool) -> None:
        self.entry: Entry = _entry_of(principal, guard)
        self.principal: Principal = stamped(principal, self.entry) if principal.is_authenticated else principal
        self.everywhere: bool = everywhere
        self._guard = guard
        self._is_entered = False

    def __enter__(self) -> Principal:
        guard = self._guard
        with _LOCK:
            if self._is_entered:
                raise RuntimeError("this acting_as(...) is entered already. Call acting_as(...) for each block.")
            acting = guard._deciding  # noqa: SLF001 - see above: no method of the guard does this
            if not isinstance(acting, Acting):
                acting = guard._deciding = Acting(acting)  # noqa: SLF001
            acting.begin(self)
            self._is_entered = True
        _BLOCKS.set((*_entered(), self))
        words = f"requests to {guard!r} are taken for this caller's until the block ends, and no credentials are checked"
        log_notice(OperatorNotice("acting_as", words, self.principal.id or "an anonymous caller"))
        return self.principal

    def __exit__(self, *error: object) -> None:
        guard = self._guard
        with _LOCK:
            self._is_entered = False
            acting = guard._deciding  # noqa: SLF001
            if isinstance(acting, Acting):
                guard._deciding = acting.end(self)  # noqa: SLF001
        # Not `reset`: a fixture may end in another context than it began in.
        _BLOCKS.set(_entered())

    def is_current(self, clock: Clock) -> bool:
        """Tell whether the block has not ended: a socket that stays open longer has no caller then.

        Args:
            clock: not asked.
        """
        return self._is_entered

    def __repr__(self) -> str:
        return f"acting_as({self.principal!r}, {self._guard!r}{', everywhere=True' if self.everywhere else ''})"


# In the order in which they were entered. A task or a thread that was started in a block has a copy, which may outlive the block: it counts
# only as long as the guard knows it.
_BLOCKS: ContextVar[tuple[Block, ...]] = ContextVar("watchword_acting_as", default=())


def _entered() -> tuple[Block, ...]:
    """Return the blocks of this context that have not ended."""
    return tuple(block for block in _BLOCKS.get() if block._is_entered)  # noqa: SLF001 - of the same module


class Acting(Deciding):
    """Decides as another object does, but for the credentials of requests that are made in a block.

    Args:
        replaced: the object; its cache, its fast path and its policy are used on.
    """

    __slots__ = ("_blocks", "_open", "_replaced")

    def __init__(self, replaced: Deciding) -> None:
        for name in Deciding.__slots__:
            setattr(self, name, getattr(replaced, name))
        self._replaced = replaced
        self._blocks: tuple[Block, ...] = ()
        fast_path = self.fast_path
        self._open: tuple[bool, bool, bool] = fast_path.is_open, fast_path.refuses, fast_path.in_use
        fast_path.is_open = fast_path.refuses = False
        fast_path.in_use = False

    def begin(self, block: Block) -> None:
        """Let a block act; the caller holds the lock.

        Raises:
            RuntimeError: another block acts everywhere, which this one is not within.
        """
        outer = next((one for one in reversed(self._blocks) if one.everywhere), None)
        if block.everywhere and outer is not None and outer not in _BLOCKS.get():
            raise RuntimeError(f"{outer!r} is in force in another thread or task. Give each test a guard, or leave everywhere=True out.")
        self._blocks = (*self._blocks, block)

    def end(self, block: Block) -> Deciding:
        """End a block, and return what decides for the guard from now on; the caller holds the lock."""
        self._blocks = tuple(one for one in self._blocks if one is not block)
        if self._blocks:
            return self
        fast_path = self.fast_path
        fast_path.is_open, fast_path.refuses, in_use = self._open
        fast_path.in_use = in_use or fast_path.is_open
        return self._replaced

    def _block(self) -> Block | None:
        """Return the block in which the present request is made; None: it is made in none."""
        blocks = self._blocks
        here = [block for block in _BLOCKS.get() if block in blocks]
        return here[-1] if here else next((block for block in reversed(blocks) if block.everywhere), None)

    def _authenticate(self, view: RequestView, route: Route) -> Decision | Steps[Decision]:
        """Take the caller of the block for the caller of the request, and test what does not depend on a secret."""
        block = self._block()
        if block is None:
            return super()._authenticate(view, route)
        view.use_authorization(None)  # it may be malformed, and is not looked at
        principal, entry = block.principal, block.entry
        # As credentials of a scheme that the rule does not accept count as absent (RFC 9110 §11.4).
        if not principal.is_authenticated or (route.accepted is not None and entry.key not in route.accepted):
            return self._settle(view, route, None, NOBODY)
        carrier = entry.scheme.carrier_of(_NONE, view)
        return (
            self._verifying.cross_site(view, route, entry, carrier)
            or self._verifying.unfit(view, route, entry, principal)
            or self._settle(view, route, entry, Caller(principal, entry.scheme.name, carrier, term=block))
        )


def _entry_of(principal: Principal, guard: Guard) -> Entry:
    entries = {entry.key: entry for entry in guard.policy.entries}
    stated = "" if principal.evidence is None else principal.evidence.scheme
    entry = entries.get(stated.lower()) if stated else next(iter(entries.values()))
    if entry is None:
        names = " or ".join(f'"{one.scheme.name}"' for one in entries.values())
        raise invalid("acting_as(principal): evidence.scheme", f"be a scheme of the guard, {names}", stated)
    return entry


__all__ = ["Acting", "Block"]
