"""Tests how the mount is taken off a path, and which mounts the code may name."""

from __future__ import annotations

import pytest

from watchword import ConfigurationError, RequestView
from watchword.mount import Place, check_mount, split_at_mount, strip_mount


@pytest.mark.parametrize(
    ("path", "mount", "below"),
    [
        ("/api/x", "/api", "/x"),
        ("/api", "/api", "/"),
        ("/api/", "/api", "/"),
        ("/api/api/x", "/api", "/api/x"),
        ("/api//x", "/api", "//x"),
        ("/a/b/c", "/a/b", "/c"),
        ("/ä/x", "/ä", "/x"),
    ],
)
def test_leading_whole_segments_are_taken_off(path: str, mount: str, below: str) -> None:
    """What follows is the path; the mount itself is the root."""
    assert split_at_mount(path, mount) == Place(below, mount)


@pytest.mark.parametrize("mount", ["", "/", "//", "/api", "api", "/x/", "/API"])
def test_a_mount_that_does_not_occur_is_left_out(mount: str) -> None:
    """A proxy has taken it off before; a slash alone is none."""
    assert split_at_mount("/orders/7", mount) == Place("/orders/7")


@pytest.mark.parametrize(
    ("path", "mount"),
    [
        ("/public/api/x", "/api"),
        ("/apix", "/api"),
        ("/x/api", "/api"),
        ("/public/zz/x", "zz"),
        ("zz/x", "zz/"),
        ("/api/x", "/api/"),
        ("/api", "/api/"),
        ("/api/x", "/api//"),
        ("/x/apis", "/api"),
    ],
)
def test_a_mount_that_stands_elsewhere_is_misplaced(path: str, mount: str) -> None:
    """Routers disagree about it, so the path stays whole, for the firewall to refuse."""
    assert split_at_mount(path, mount) == Place(path, misplaced=True)


@pytest.mark.parametrize("mount", ["", "/api", "/api/v1", "/ä", "/a-b.c"])
def test_a_mount_may_be_written(mount: str) -> None:
    """Decoded, with a slash before it and none behind it."""
    assert check_mount(mount) == mount


@pytest.mark.parametrize(
    ("mount", "fix"),
    [
        ("api", "Write '/api'"),
        ("/api/", "Write '/api'"),
        ("/", 'Write ""'),
        ("/a//b", "empty segments"),
        ("/a/../b", "dots"),
        ("/a?b", "'?'"),
        ("/a;b", "';'"),
        ("/a\\b", "backslashes"),
        ("/a\nb", "control characters"),
        ("/%C3%A4", "decoded"),
        (b"/api", "string"),
        (5, "string"),
        (["/api"], "string"),
    ],
)
def test_a_malformed_mount_is_refused(mount: object, fix: str) -> None:
    """The message names the argument, the value and the fix."""
    with pytest.raises(ConfigurationError) as caught:
        check_mount(mount)
    assert str(caught.value).startswith(f'GuardMiddleware(mount=...) must be a path such as "/api", got {mount!r}. ')
    assert fix in str(caught.value)


@pytest.mark.parametrize(
    ("path", "mount", "below"),
    [
        ("/app/x", "/app", "/x"),
        ("/app/x", "/app/", "/x"),
        ("/app", "/app", "/"),
        ("/app/", "/app", "/"),
        ("/apple", "/app", "/apple"),
        ("/other", "/app", "/other"),
        ("/x", "", "/x"),
        ("/x", "/", "/x"),
        ("", "/app", ""),
        ("/app/app/x", "/app", "/app/x"),
        ("/app//x", "/app", "//x"),
    ],
)
def test_a_mount_is_taken_off_in_whole_segments(path: str, mount: str, below: str) -> None:
    """A neighbour that begins alike is not below it, and what lies elsewhere is left as it is (P6)."""
    assert strip_mount(path, mount) == below
    assert RequestView("GET", path, mount=mount).path == below
