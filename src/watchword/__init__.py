"""watchword: one guard for every stack. HTTP authentication and authorization for ASGI, WSGI and custom servers.

What users import. No framework, driver or event loop is loaded here.
"""

from watchword.authorization import (
    Requirement,
    acr,
    authenticated,
    factor,
    fresh,
    network,
    nobody,
    optional,
    permission,
    public,
    role,
    scope,
    via,
    where,
)
from watchword.credentials import APIKeyCredentials, BasicCredentials, BearerToken, Credentials
from watchword.decision import Challenged, Decision, Failed, Forbidden, Granted, Hidden, Malformed, Throttled
from watchword.errors import (
    AlreadyExists,
    ConfigurationError,
    FieldTooLong,
    GrammarError,
    NotFound,
    Overloaded,
    Unavailable,
    WatchwordError,
)
from watchword.guard import Guard
from watchword.observe import AuthEvent
from watchword.operation import Operation
from watchword.principal import ANONYMOUS, Evidence, Principal
from watchword.protection import Firewall
from watchword.reason import Reason
from watchword.refusal import Refusal
from watchword.request import RequestView
from watchword.schemes import APIKey, Basic, Bearer, ChallengeParams, CredentialsError, Scheme
from watchword.verdict import ALWAYS, Accepted, Lease, Refused, Verdict

__version__ = "0.1.0"

__all__ = [
    "ALWAYS",
    "ANONYMOUS",
    "APIKey",
    "APIKeyCredentials",
    "Accepted",
    "AlreadyExists",
    "AuthEvent",
    "Basic",
    "BasicCredentials",
    "Bearer",
    "BearerToken",
    "ChallengeParams",
    "Challenged",
    "ConfigurationError",
    "Credentials",
    "CredentialsError",
    "Decision",
    "Evidence",
    "Failed",
    "FieldTooLong",
    "Firewall",
    "Forbidden",
    "GrammarError",
    "Granted",
    "Guard",
    "Hidden",
    "Lease",
    "Malformed",
    "NotFound",
    "Operation",
    "Overloaded",
    "Principal",
    "Reason",
    "Refusal",
    "Refused",
    "RequestView",
    "Requirement",
    "Scheme",
    "Throttled",
    "Unavailable",
    "Verdict",
    "WatchwordError",
    "__version__",
    "acr",
    "authenticated",
    "factor",
    "fresh",
    "network",
    "nobody",
    "optional",
    "permission",
    "public",
    "role",
    "scope",
    "via",
    "where",
]
