"""Reads responses of servers that refuse, for programs that call them. Any server, any HTTP client; nothing is sent from here."""

from __future__ import annotations

from watchword.client.addresses import Address, address_of, origin_of
from watchword.client.challenges import Challenges, read_challenges
from watchword.client.curing import Alternative, Cure, Source, cure
from watchword.client.metadata import METADATA_LIMIT, afollow, follow, matches
from watchword.client.problems import Problem, read_problem
from watchword.client.response import ResponseView, read_response
from watchword.client.waiting import MAX_WAIT, retry_after

__all__ = [
    "MAX_WAIT",
    "METADATA_LIMIT",
    "Address",
    "Alternative",
    "Challenges",
    "Cure",
    "Problem",
    "ResponseView",
    "Source",
    "address_of",
    "afollow",
    "cure",
    "follow",
    "matches",
    "origin_of",
    "read_challenges",
    "read_problem",
    "read_response",
    "retry_after",
]
