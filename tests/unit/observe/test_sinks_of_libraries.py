"""Events in Prometheus, OpenTelemetry, and as OCSF has them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry, generate_latest

from tests.support.core import ask
from tests.support.each import each
from tests.support.events import event, refused
from tests.support.wire import bearer
from watchword import Bearer, Guard, Principal, Reason, role
from watchword.checkers import Tokens
from watchword.observe import OpenTelemetry, Prometheus, to_ocsf
from watchword.observe.event import Kind

if TYPE_CHECKING:
    from watchword import AuthEvent

OCSF: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors" / "ocsf.json").read_text(encoding="utf-8"))


def test_prometheus_counts_decisions_and_times_them() -> None:
    """By decision, reason, scheme and route."""
    registry = CollectorRegistry()
    sink = Prometheus(registry)
    for one in (event(), event(cached=True), refused(Reason.EXPIRED)):
        sink(one)
    labels = {"scheme": "Bearer", "route": "GET /orders/{id}"}
    value = registry.get_sample_value
    assert value("watchword_decisions_total", {**labels, "decision": "granted", "reason": ""}) == 2
    assert value("watchword_decisions_total", {**labels, "decision": "challenged", "reason": "expired"}) == 1
    assert value("watchword_cached_total", {"scheme": "Bearer"}) == 1
    assert value("watchword_decision_seconds_sum", {"decision": "granted", "scheme": "Bearer"}) == 0.5


def test_no_client_makes_a_time_series() -> None:
    """Whatever it sends: names, addresses, schemes, methods and paths of its own make no more series than one request of each kind."""
    registry = CollectorRegistry()
    tokens = Tokens({f"t{number}": Principal(f"p{number}") for number in range(20)})
    guard = Guard(Bearer(tokens), rules={"/admin": role("admin")}, on_event=Prometheus(registry))

    def series() -> int:
        return generate_latest(registry).count(b"\n")

    def storm(numbers: range) -> None:
        for number in numbers:
            for field in (bearer(f"t{number}"), bearer(f"x{number}"), ("Authorization", f"Scheme{number} x"), ("Cookie", f"a={number}")):
                for target in (f"/{number}", "/admin", f"//{number}"):
                    guard.decide(ask(target, field, method=f"M{number}", client=f"192.0.2.{number}"))

    storm(range(1))
    before = series()
    storm(range(20))
    assert series() == before
    assert b"p1" not in generate_latest(registry)
    assert b"192.0.2" not in generate_latest(registry)


def test_prometheus_adds_up_several_processes(tmp_path: Path) -> None:
    """In the multiprocess mode of its client."""
    program = "from tests.support.events import event\nfrom watchword.observe import Prometheus\nPrometheus()(event())"
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    root = Path(__file__).parents[3]
    running = [subprocess.Popen([sys.executable, "-c", program], env=environment, cwd=root) for _ in range(2)]
    assert [one.wait(60) for one in running] == [0, 0]
    collect = (
        "from prometheus_client import CollectorRegistry, generate_latest, multiprocess\n"
        "registry = CollectorRegistry()\nmultiprocess.MultiProcessCollector(registry)\nprint(generate_latest(registry).decode())"
    )
    told = subprocess.run([sys.executable, "-c", collect], env=environment, capture_output=True, text=True, check=True).stdout
    assert 'watchword_decisions_total{decision="granted",reason="",route="GET /orders/{id}",scheme="Bearer"} 2.0' in told


def test_opentelemetry_counts_and_tells_the_span_of_the_request() -> None:
    """The principal only where it is asked for."""
    reader, spans = InMemoryMetricReader(), InMemorySpanExporter()
    meters, tracers = MeterProvider([reader]), TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(spans))
    sink, naming = OpenTelemetry(meter_provider=meters), OpenTelemetry(meter_provider=meters, principal=True)
    with tracers.get_tracer("t").start_as_current_span("request"):
        sink(refused(Reason.EXPIRED))
        naming(event())
    sink(event())  # without a span
    [span] = spans.get_finished_spans()
    told = [dict(one.attributes or {}) for one in span.events]
    assert [one.name for one in span.events] == ["watchword.decision"] * 2
    assert told[0] == {
        "watchword.decision": "challenged",
        "watchword.reason": "expired",
        "watchword.scheme": "Bearer",
        "watchword.route": "GET /orders/{id}",
        "watchword.request_id": "r1",
        "watchword.cached": False,
    }
    assert told[1]["enduser.id"] == "ann"
    read = reader.get_metrics_data()
    assert read is not None
    metrics = json.loads(read.to_json())["resource_metrics"][0]["scope_metrics"][0]["metrics"]
    counted = {metric["name"]: metric for metric in metrics}
    assert sum(point["value"] for point in counted["watchword.decisions"]["data"]["data_points"]) == 3
    assert counted["watchword.decision.duration"]["unit"] == "s"
    assert "ann" not in json.dumps(metrics)


def _events() -> list[AuthEvent]:
    reasons: dict[Kind, Reason | None] = {"granted": None, "failed": Reason.UNAVAILABLE, "throttled": Reason.THROTTLED}
    kinds: tuple[Kind, ...] = get_args(Kind)
    return [
        event(decision=kind, reason=reasons.get(kind, Reason.MISSING_ROLE), principal=principal, client=client, route=route, scheme=scheme)
        for kind in kinds
        for principal in ("ann", "")
        for client in ("192.0.2.7", None, "192.0.2.0/24", "2001:db8::1")
        for route, scheme in (("GET /x", "Basic"), ("", ""))
    ]


@each("told", _events())
def test_ocsf_has_what_the_schema_requires(told: AuthEvent) -> None:
    """The attributes, the constraints and the enumerations of the published schema, for both classes."""
    shaped = json.loads(json.dumps(to_ocsf(told)))
    kind = OCSF["classes"][str(shaped["class_uid"])]
    assert [name for name in kind["required"] if shaped.get(name) in (None, "", [], {})] == []
    assert [name for name in shaped if name not in kind["attributes"]] == []
    assert not kind["at_least_one"] or any(name in shaped for name in kind["at_least_one"])
    assert shaped["type_uid"] == shaped["class_uid"] * 100 + shaped["activity_id"]
    for name, values in kind["enums"].items():
        assert name not in shaped or str(shaped[name]) in values, name
    for name, rules in OCSF["objects"].items():
        if name in shaped:
            assert [part for part in rules["required"] if part not in shaped[name]] == []
            assert [part for part in shaped[name] if part not in rules["attributes"]] == []
            assert not rules["at_least_one"] or any(part in shaped[name] for part in rules["at_least_one"])
    assert isinstance(shaped["time"], int)


def test_a_known_caller_who_may_not_is_a_matter_of_authorization() -> None:
    """All the rest is authentication."""
    assert to_ocsf(event(decision="forbidden", reason=Reason.MISSING_ROLE))["class_uid"] == 3003
    assert to_ocsf(event(decision="hidden", reason=Reason.MISSING_ROLE))["privileges"] == ['scope("orders:read")']
    assert to_ocsf(event(decision="forbidden", reason=Reason.NETWORK_DENIED, principal=""))["class_uid"] == 3002
    assert to_ocsf(event())["class_uid"] == 3002
    assert to_ocsf(event())["time"] == 1_700_000_000_500
