"""Defines the schemes. Each extracts credentials from a request, and builds the challenges for them."""

from watchword.schemes.apikey import APIKey
from watchword.schemes.base import ChallengeParams, CredentialsError, Scheme
from watchword.schemes.basic import Basic
from watchword.schemes.bearer import Bearer
from watchword.schemes.cors import cors_request_headers

__all__ = ["APIKey", "Basic", "Bearer", "ChallengeParams", "CredentialsError", "Scheme", "cors_request_headers"]
