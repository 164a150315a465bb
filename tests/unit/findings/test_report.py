"""The report of a tool that checks rules."""

from __future__ import annotations

from watchword.findings import SEVERITIES, Checked, Finding, Report, Rule

CHALLENGED = Rule("R9110-11.6.1-1", "a 401 carries a challenge", "error", source="RFC 9110 §11.6.1", scored=True)
CACHED = Rule("R9111-3-1", "a refusal is not stored", "warning", scored=True)
CLOCK = Rule("clock", "the clocks agree", "warning")


def report(*checked: Checked) -> Report:
    """A report of these rules."""
    return Report("watchword probe", "1", "https://api.example.com/", checked)


def test_the_gravest_finding_comes_first() -> None:
    """Findings are sorted by severity, and keep the order of their rules within one."""
    note = Finding(CHALLENGED, "advice", severity="note")
    first, second, grave = Finding(CACHED, "one"), Finding(CLOCK, "two"), Finding(CHALLENGED, "three")
    found = report(Checked(CHALLENGED, (note, grave)), Checked(CACHED, (first,)), Checked(CLOCK, (second,))).findings
    assert found == (grave, first, second, note)


def test_the_outcome_of_a_rule() -> None:
    """A warning or an error fails a rule; a note does not; what was not checked is skipped, and says why."""
    assert Checked(CLOCK).outcome == "passed"
    assert Checked(CLOCK, (Finding(CLOCK, "advice", severity="note"),)).outcome == "passed"
    assert Checked(CLOCK, (Finding(CLOCK, "wrong"),)).outcome == "failed"
    assert Checked(CLOCK, skipped="no Date field").outcome == "skipped"


def test_the_score_counts_the_rules_that_could_be_checked() -> None:
    """Rules without a score and skipped ones do not count; a score of 100 is reached by passing all alone."""
    failing = Checked(CACHED, (Finding(CACHED, "stored"),))
    made = report(Checked(CHALLENGED), failing, Checked(CLOCK, (Finding(CLOCK, "off"),)))
    assert (made.passed, made.applicable, made.percent) == (1, 2, 50)
    skipped = report(Checked(CHALLENGED), Checked(CACHED, skipped="no refusal"))
    assert (skipped.passed, skipped.applicable, skipped.percent) == (1, 1, 100)
    assert report(Checked(CLOCK)).percent is None
    many = report(*[Checked(CHALLENGED)] * 199, failing)
    assert many.percent == 99


def test_a_report_fails_on_a_severity_or_a_graver_one() -> None:
    """`fails` compares with the gravest finding; "never" fails on nothing."""
    for index, level in enumerate(SEVERITIES):
        made = report(Checked(CLOCK, (Finding(CLOCK, "it is so", severity=level),)))
        assert [made.fails(on) for on in SEVERITIES] == [position >= index for position in range(len(SEVERITIES))]
        assert not made.fails("never")
    assert not report(Checked(CLOCK)).fails("note")
