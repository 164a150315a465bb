"""An application that hangs where it starts or ends holds up no test run."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from watchword.testing import probe_app


@pytest.mark.parametrize("message", ["lifespan.startup", "lifespan.shutdown"])
def test_a_lifespan_that_hangs(message: str) -> None:
    """It is asked all the same, and ended after the timeout."""
    seen: list[str] = []

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 401, "headers": [(b"www-authenticate", b'Basic realm="x"')]})
            await send({"type": "http.response.body"})
            return
        while True:
            kind = (await receive())["type"]
            try:
                await (anyio.sleep_forever() if kind == message else send({"type": f"{kind}.complete"}))
            finally:
                seen.append(kind)

    report = probe_app(app, fail_on="never", timeout=0.3)
    assert dict(report.facts)["answer"].endswith("401")
    assert seen[-1] == message


def test_content_without_an_end() -> None:
    """An application that never waits for anything is ended at the bound of content, also where it ignores the kind of the scope."""

    async def app(_: dict[str, Any], __: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 401, "headers": [(b"www-authenticate", b'Basic realm="x"')]})
        while True:
            await send({"type": "http.response.body", "body": b"x" * 65_536, "more_body": True})

    report = probe_app(app, fail_on="never", timeout=0.3)
    assert dict(report.facts)["answer"].endswith("401")
