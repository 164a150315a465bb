"""Splits a request path at the mount, the prefix under which an application is served (threats P6, P15, P16; decision D59).

Rules are compared with the path below the mount. Routers take the mount off in different ways: Starlette in whole segments, Litestar
at its first occurrence anywhere, Quart and Django as text, Falcon not at all. A path about which they disagree is refused.
"""

from __future__ import annotations

from typing import NamedTuple

from watchword.errors import ConfigurationError


class Place(NamedTuple):
    """The path of a request relative to the mount.

    Args:
        path: the decoded path below the mount. Rules are compared with it.
        mount: the prefix that was taken off; empty: none was.
        whole: the path as a router reads it that does not take the mount off; None: the router is known to take it off.
        misplaced: whether routers disagree about the end of the mount. The firewall's rule `mount` refuses the request.
    """

    path: str
    mount: str = ""
    whole: str | None = None
    misplaced: bool = False

    def target(self, method: str, raw_path: bytes | None) -> tuple[str, str, bytes | None, str] | None:
        """Return the key of the target on the fast path; None: there is more than one reading of the path.

        Args:
            method: as sent.
            raw_path: the undecoded path, where the server tells it.
        """
        return (method, self.path, raw_path, self.mount) if self.whole is None and not self.misplaced else None


def split_at_mount(path: str, mount: str) -> Place:
    """Take the mount off a path.

    Args:
        path: decoded.
        mount: the prefix as the server states it. It must be leading whole segments of the path, or not occur in it.

    Returns:
        The place. Of a path that holds the mount in any other way, the whole path with `misplaced` set.
    """
    bare = mount.rstrip("/")
    if not bare or bare not in path:
        # A slash alone is not a prefix for any router.
        return Place(path)
    rest = path[len(mount) :]
    # Below a mount with a closing slash Starlette routes the whole path, and Litestar what follows the slash.
    if bare == mount and path.startswith(mount) and (not rest or rest[0] == "/"):
        return Place(rest or "/", mount)
    return Place(path, misplaced=True)


def strip_mount(path: str, mount: str) -> str:
    """Return the path below a mount, taken off in whole segments; a path elsewhere is unchanged.

    Args:
        path: decoded.
        mount: the prefix, with or without a closing slash; empty: no mount.
    """
    mount = mount.rstrip("/")
    if not mount or not path.startswith(mount):
        return path
    rest = path[len(mount) :]
    return rest or "/" if not rest or rest[0] == "/" else path


def check_mount(given: object) -> str:
    """Return a mount that is written in the code, checked.

    Args:
        given: the argument `mount`.

    Raises:
        ConfigurationError: it is not a decoded path without a closing slash.
    """
    wrong = None
    if not isinstance(given, str):
        wrong = 'Give a string such as "/api", or "" for no mount.'
    elif given and (given[0] != "/" or given[-1] == "/"):
        wrong = f"Write {'/' + given.strip('/')!r}." if given.strip("/") else 'Write "" for no mount.'
    elif any(segment in {"", ".", ".."} for segment in given.split("/")[1:]):
        wrong = "Leave out empty segments and dots."
    elif not given.isprintable() or not {"?", "#", "\\", ";"}.isdisjoint(given):
        wrong = "Leave out '?', '#', ';', backslashes and control characters."
    elif "%" in given:
        wrong = "Write it decoded, without percent signs."
    if wrong is not None:
        raise ConfigurationError(f'GuardMiddleware(mount=...) must be a path such as "/api", got {given!r}. {wrong}')
    return str(given)
