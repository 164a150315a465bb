"""Lists the requirements of OWASP ASVS 5.0.0 that watchword meets, or helps to meet, with where that is written and tested.

One table for `watchword check --asvs` and for docs/asvs.md. Only rows are listed about which a test says something. What an application
must do itself stands in the text of the row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from watchword.findings import Report


@dataclass(frozen=True, slots=True)
class Row:
    """One requirement.

    Args:
        id: its number in ASVS 5.0.0.
        level: from which level on it is required, 1 to 3.
        text: what it demands, in short.
        how: what watchword does, and what is left to the application.
        module: the module that does it, below `src/watchword`.
        test: `file::test`, below `tests`.
        checks: rules of `watchword check` whose findings violate it; empty: it holds whatever the configuration.
    """

    id: str
    level: int
    text: str
    how: str
    module: str
    test: str
    checks: tuple[str, ...] = ()

    def outcome(self, report: Report) -> str:
        """Return `holds`, `violated` or `untold` for a configuration.

        Args:
            report: of `watchword check`.
        """
        own = [checked for checked in report.checked if checked.rule.id in self.checks]
        # A note about a requirement is no proof of a violation, and none of the opposite.
        if any(checked.outcome == "failed" for checked in own):
            return "violated"
        unknown = len(own) < len(self.checks) or any(checked.outcome == "skipped" or checked.findings for checked in own)
        return "untold" if unknown else "holds"


_SOURCE: Final = "https://github.com/OWASP/ASVS/tree/v5.0.0/5.0/en"

ROWS: Final[tuple[Row, ...]] = (
    Row(
        "3.5.1", 1, "Requests that need no preflight are checked to come from the application itself",
        "Credentials that browsers add by themselves count from own origins alone; rules may exempt a route",
        "guard/cross_site.py", "conformance/test_cross_site.py", ("any-origin",),
    ),
    Row(
        "6.2.8", 1, "Passwords are verified as received: not cut, not folded",
        "All octets count; Unicode is composed on both sides (RFC 7617 §2.1)",
        "checkers/passwords/hasher.py", "threats/test_W1_bcrypt_72_octets.py::test_W1_72_octets_match_and_73_do_not",
    ),
    Row(
        "6.2.9", 2, "Passwords of 64 characters are permitted",
        "The bound is 1,024 octets; bcrypt, which cuts at 72, refuses longer ones",
        "checkers/passwords/hasher.py", "threats/test_W1_bcrypt_72_octets.py::test_W1_argon2_looks_at_every_octet_up_to_the_bound",
    ),
    Row(
        "6.3.1", 1, "Credential stuffing and brute force are hindered",
        "`Guard(throttle=...)` limits attempts; hashing is bounded",
        "guard/verifying.py", "threats/test_O7_throttles.py", ("no-throttle",),
    ),
    Row(
        "6.3.8", 3, "Valid users cannot be deduced from failures",
        "One verification and one answer for unknown, wrong, disabled and locked. Registration is the application's",
        "checkers/verifying.py", "threats/test_W2_equal_work.py::test_W2_a_client_gets_the_same_answer_at_the_same_cost",
    ),
    Row(
        "7.2.3", 1, "Reference tokens are random, of 128 bits or more",
        "Opaque tokens have 256 bits, API keys 160",
        "checkers/key_format.py", "unit/checkers/test_key_format.py::test_the_secret_cannot_be_guessed",
    ),
    Row(
        "7.4.2", 1, "A disabled account ends its sessions",
        "Keys and tokens of a disabled account are refused within a second, by every process",
        "checkers/issued.py", "unit/issuing/test_token_issuer.py::test_the_token_of_a_disabled_owner_is_refused_until_enabled",
    ),
    Row(
        "7.4.5", 2, "Administrators can end the sessions of a user",
        "`watchword token revoke-all`, `revoke_all()`",
        "checkers/issued.py", "unit/checkers/test_issued.py::test_revoke_all_revokes_every_key_and_token_of_an_owner",
    ),
    Row(
        "8.2.1", 1, "Functions are for those with explicit permission",
        "A path that no rule names needs an authenticated caller; `watchword routes` compares rules and routes",
        "authorization/rules.py", "properties/test_rules.py", ("default-open", "route-public-by-default"),
    ),
    Row(
        "8.3.1", 1, "Rules are enforced on the server",
        "The guard decides before the application runs; no request field switches it off",
        "guard/deciding.py", "threats/test_neighbours.py",
    ),
    Row(
        "8.3.2", 3, "Changes of permissions apply at once",
        "Within a second for accounts, keys and opaque tokens; signed tokens need `revocations`",
        "checkers/lease.py", "properties/test_revisions.py",
    ),
    Row(
        "9.1.1", 1, "Signatures are validated before contents are used",
        "Nothing of a token counts before its signature is verified",
        "checkers/jwt/checker.py", "threats/test_T_tokens.py",
    ),
    Row(
        "9.1.2", 1, "Algorithms are on an allowlist, without none",
        "`JWT(algorithms=...)`; HMAC and public keys never together; a key has one algorithm",
        "checkers/jwt/algorithms.py", "unit/checkers/jwt/test_keys.py::test_R8725_3_1_1_lists_of_algorithms",
    ),
    Row(
        "9.1.3", 1, "Keys come from configured sources",
        "`jku`, `jwk` and `x5u` of tokens are never used",
        "checkers/jwt/reading.py", "unit/checkers/jwt/test_requirements.py::test_R8725_3_10_1_keys_in_the_header",
    ),
    Row(
        "9.2.1", 1, "Tokens count within their time alone",
        "`exp`, `nbf` and `iat`, with a leeway of 60 s, 300 at most",
        "checkers/jwt/claims.py", "threats/test_T_tokens.py",
    ),
    Row(
        "9.2.2", 2, "Tokens are of the right type",
        "`typ` is `at+jwt`; ID tokens, refresh tokens and log-out tokens are refused",
        "checkers/jwt/reading.py", "unit/checkers/jwt/test_checker.py::test_R9068_4_1_types",
    ),
    Row(
        "9.2.3", 2, "Tokens are for this service",
        "`JWT(audience=...)` must be given",
        "checkers/jwt/claims.py", "unit/checkers/jwt/test_checker.py::test_R7519_4_1_3_1_no_audience", ("audience-missing",),
    ),
    Row(
        "9.2.4", 2, "Issued tokens name their audience",
        "`TokenIssuer` puts `aud` into every token",
        "issuing/token_issuer.py", "unit/issuing/test_token_issuer.py::test_an_access_token_has_the_claims_of_rfc_9068",
    ),
    Row(
        "10.3.1", 2, "The resource server accepts tokens for itself alone",
        "As 9.2.3; for introspection give `audience`",
        "checkers/introspection_answer.py", "unit/checkers/test_introspection.py", ("audience-missing",),
    ),
    Row(
        "10.3.2", 2, "Decisions follow the claims of delegation",
        "`scope(...)` compares the scopes of the token; a login's claim grants none",
        "authorization/leaves.py", "unit/checkers/test_introspection.py::test_scopes_decide_in_the_guard",
    ),
    Row(
        "10.3.4", 2, "Strength and recentness of the login are verified where demanded",
        "`fresh(...)` and `acr(...)` look at `auth_time`, `acr` and `amr`",
        "authorization/step_up.py", "unit/checkers/jwt/test_checker.py::test_logins_of_a_token",
    ),
    Row(
        "10.4.5", 1, "Replay of refresh tokens ends the authorization",
        "Rotation with a grace for lost answers; a replay revokes the family",
        "stores/rotation.py", "properties/test_refresh.py",
    ),
    Row(
        "10.4.8", 2, "Refresh tokens have an absolute end",
        "A family ends at its time, however often it is refreshed",
        "issuing/refresh_tokens.py", "unit/issuing/test_refresh_tokens.py::test_a_chain_of_refreshes_ends_with_its_family",
    ),
    Row(
        "10.4.10", 2, "Confidential clients are authenticated at the token endpoint",
        "`TokenEndpoints` asks a guard about each client",
        "issuing/endpoints.py", "unit/issuing/test_endpoints.py::test_a_revocation_ends_the_login_of_the_client_alone",
    ),
    Row(
        "11.4.2", 2, "Passwords are stored by a slow hash",
        "New hashes are Argon2id at the cost that OWASP names; older ones are replaced at the next login",
        "checkers/passwords/hasher.py", "threats/test_W8_rehash.py::test_W8_every_old_format_becomes_the_new_one", ("unusable-hash",),
    ),
    Row(
        "12.2.1", 1, "Clients connect over TLS, without a way back to plain http",
        "`Guard(require_tls=True)` refuses plain http. TLS itself is the server's",
        "guard/deciding.py", "conformance/test_status_table.py", ("basic-without-tls", "tokens-without-tls"),
    ),
    Row(
        "12.3.2", 2, "TLS clients validate certificates",
        "Keys and introspection are fetched with verified certificates",
        "fetching/fetcher.py", "unit/fetching/test_fetcher.py::test_certificates_are_checked",
    ),
    Row(
        "13.2.3", 2, "No default credential is used",
        "Well-known passwords and tokens are tried",
        "checkup/guessing.py", "unit/checkup/test_checks.py::test_default_secrets", ("default-secret",),
    ),
    Row(
        "14.2.1", 1, "No credential is in a URL",
        "Tokens and keys in the query are off, unless they are named",
        "schemes/bearer.py", "conformance/test_bearer.py::test_R6750_2_3_1_the_query_is_ignored_unless_asked_for", ("secret-in-query",),
    ),
    Row(
        "16.2.5", 2, "Credentials are not logged",
        "No credential is in a log line, an event or a repr",
        "observe/log.py", "unit/observe/test_log.py::test_no_credential_is_logged",
    ),
    Row(
        "16.3.2", 2, "Failed authorization is logged",
        "One line for each refusal; one event for each decision, granted ones too",
        "observe/log.py", "unit/observe/test_log.py::test_a_line_says_what_was_decided_why_and_about_what",
    ),
    Row(
        "16.4.1", 2, "What is logged cannot forge lines",
        "Control characters are escaped",
        "observe/log.py", "conformance/test_logs_outside.py",
    ),
    Row(
        "16.5.1", 2, "Messages to clients are generic",
        "A refusal names what helps an honest client, and never which check failed",
        "refusal/rendering.py", "unit/observe/test_log.py::test_the_client_is_told_less_than_the_log",
    ),
    Row(
        "16.5.2", 2, "The application stays secure while a service it needs is away",
        "503 for those who need it; the last good keys; a breaker",
        "checkers/jwt/remote.py", "threats/test_C8_key_sets.py", ("key-server", "introspection-server", "store-schema"),
    ),
    Row(
        "16.5.3", 2, "Errors never open",
        "An outage is 503, and an exception of a checker propagates: neither grants",
        "guard/challenging.py", "threats/test_failing_stores.py",
    ),
)  # fmt: skip
"""The rows, in the order of their numbers."""


def write_page() -> str:
    """Return docs/asvs.md."""
    lines = [
        "# ASVS 5.0",
        "",
        f"Requirements of the [OWASP Application Security Verification Standard 5.0.0]({_SOURCE})",
        "that watchword meets, or helps to meet. Only rows are listed about which a test says something.",
        "Many others are for the application to meet.",
        "",
        "`watchword check --guard module:guard --asvs` lists the rows for your configuration: `holds`, `violated`, or `untold` where a",
        "[check](check.md) cannot tell. A row without a check holds whatever the configuration.",
        "",
        "This page is written by `python -m watchword.checkup.asvs`.",
        "",
        "| row | level | demands | watchword | module | test | checks |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in ROWS:
        checks = ", ".join(f"`{check}`" for check in row.checks)
        lines.append(f"| {row.id} | {row.level} | {row.text} | {row.how} | `{row.module}` | `tests/{row.test}` | {checks} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    import sys

    sys.stdout.write(write_page())
