"""Issues tokens: access tokens, refresh tokens with rotation, and the keys that sign."""

from __future__ import annotations

from watchword.issuing.endpoints import EndpointRequest, EndpointResponse, TokenEndpoints
from watchword.issuing.key_file import KeyRingFile
from watchword.issuing.key_ring import KeyRing, SigningKey
from watchword.issuing.living_families import LivingFamilies
from watchword.issuing.refresh_answers import Refreshed, Unrefreshed
from watchword.issuing.refresh_tokens import NewRefreshToken, RefreshTokens
from watchword.issuing.token_issuer import IssuedTokens, TokenIssuer

__all__ = [
    "EndpointRequest",
    "EndpointResponse",
    "IssuedTokens",
    "KeyRing",
    "KeyRingFile",
    "LivingFamilies",
    "NewRefreshToken",
    "RefreshTokens",
    "Refreshed",
    "SigningKey",
    "TokenEndpoints",
    "TokenIssuer",
    "Unrefreshed",
]
