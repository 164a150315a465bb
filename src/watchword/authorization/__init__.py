"""Decides whether a principal may make a request: requirements as data, their evaluation, and the rules that bind them to requests."""

from watchword.authorization.facts import network, where
from watchword.authorization.leaves import acr, authenticated, factor, fresh, nobody, optional, permission, public, role, scope, via
from watchword.authorization.needs import HoldScope, Identity, LoginWithin, Need, ReachAcr, UseFactor, Via
from watchword.authorization.pattern import Pattern, parse_pattern
from watchword.authorization.requirement import EvaluationContext, Requirement
from watchword.authorization.rules import Route, Rules

__all__ = [
    "EvaluationContext",
    "HoldScope",
    "Identity",
    "LoginWithin",
    "Need",
    "Pattern",
    "ReachAcr",
    "Requirement",
    "Route",
    "Rules",
    "UseFactor",
    "Via",
    "acr",
    "authenticated",
    "factor",
    "fresh",
    "network",
    "nobody",
    "optional",
    "parse_pattern",
    "permission",
    "public",
    "role",
    "scope",
    "via",
    "where",
]
