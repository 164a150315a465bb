"""watchword: one guard for every stack. HTTP authentication and authorization for ASGI, WSGI and custom servers.

What users import. No framework, driver or event loop is loaded here. What few programs need is loaded when it is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING

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
from watchword.decision import Answered, Challenged, Decision, Failed, Forbidden, Granted, Hidden, Malformed, Throttled
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

if TYPE_CHECKING:
    from watchword.authorization.mcp import mcp_tools
    from watchword.issuing.token_issuer import TokenIssuer
    from watchword.protection.throttle import Throttle
    from watchword.protection.trusted_proxies import TrustedProxies
    from watchword.refusal.appearance import Page
    from watchword.refusal.data import RefusalData
    from watchword.schemes.resource_metadata import ResourceMetadata

__version__ = "0.1.0"

_HOME = {
    "Page": "refusal.appearance",
    "RefusalData": "refusal.data",
    "ResourceMetadata": "schemes.resource_metadata",
    "Throttle": "protection.throttle",
    "TokenIssuer": "issuing.token_issuer",
    "TrustedProxies": "protection.trusted_proxies",
    "mcp_tools": "authorization.mcp",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})


__all__ = [
    "ALWAYS",
    "ANONYMOUS",
    "APIKey",
    "APIKeyCredentials",
    "Accepted",
    "AlreadyExists",
    "Answered",
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
    "Page",
    "Principal",
    "Reason",
    "Refusal",
    "RefusalData",
    "Refused",
    "RequestView",
    "Requirement",
    "ResourceMetadata",
    "Scheme",
    "Throttle",
    "Throttled",
    "TokenIssuer",
    "TrustedProxies",
    "Unavailable",
    "Verdict",
    "WatchwordError",
    "__version__",
    "acr",
    "authenticated",
    "factor",
    "fresh",
    "mcp_tools",
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
