"""Probes an application within this process: how well its refusals follow the standards, in a test of a few lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from watchword.errors import ConfigurationError
from watchword.validators import check_bool, check_choice, check_number, check_type

if TYPE_CHECKING:
    from watchword.findings import Report, Severity
    from watchword.probe import Presented

_FAIL_ON = ("error", "warning", "note", "never")


def probe_app(
    app: Any,  # noqa: ANN401 - of any framework
    url: str = "/",
    *,
    presented: Presented | None = None,
    mcp: bool = False,
    fail_on: Severity | Literal["never"] = "error",
    timeout: float = 5.0,
) -> Report:
    """Probe an application, and fail where its refusals are at fault.

        def test_refusals():
            assert probe_app(app, "/orders").percent == 100

    Args:
        app: the application, as a server would be given it: ASGI or WSGI, with its guard in front.
        url: the path to ask for, or a whole URL. A path is asked for under `https://testserver`.
        presented: credentials to try, such as `watchword.probe.bearer("...")`; None: none.
        mcp: whether it is a server of the Model Context Protocol.
        fail_on: the least severity of a finding that fails; `"never"`: none fails.
        timeout: seconds for an exchange by ASGI, and for the messages of its lifespan.

    Returns:
        The report.

    Raises:
        AssertionError: there is such a finding; the message is the report.
        ConfigurationError: an argument is something else.
        Unavailable: the application does not answer, or redirects in a circle.
    """
    from watchword import __version__
    from watchword.clock import ticks
    from watchword.findings.writing import write_text
    from watchword.probe import Presented, Target, probe, probed_url
    from watchword.testing.in_process import asked_in_process

    if not callable(app):
        raise ConfigurationError(f"probe_app(app) must be an application, got {type(app).__name__}. Give what the server would serve.")
    check_bool("probe_app(mcp=...)", mcp)
    check_choice("probe_app(fail_on=...)", fail_on, _FAIL_ON)
    if presented is not None:
        check_type("probe_app(presented=...)", presented, Presented, 'watchword.probe.bearer("...")', secret=True)
    seconds = check_number("probe_app(timeout=...)", timeout, above=True, most=60)
    target = Target(probed_url(f"https://testserver{url}" if url.startswith("/") else url), presented, mcp)
    with asked_in_process(app, asgi=_is_asgi(app), timeout=seconds) as transport:
        report = probe(target, transport, version=__version__, ticks=ticks)
    if report.fails(fail_on):
        raise AssertionError(write_text(report))
    return report


def _is_asgi(app: Any) -> bool:  # noqa: ANN401 - of any framework
    from inspect import signature

    try:
        signature(app).bind("scope", "receive", "send")
    except (TypeError, ValueError):  # it takes two arguments, or has no signature
        return False
    return True


__all__ = ["probe_app"]
