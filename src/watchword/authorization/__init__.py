"""Decides whether a principal may make a request: requirements as data, their evaluation, and the rules that bind them to requests."""

from watchword.authorization.context import EvaluationContext
from watchword.authorization.facts import network, where
from watchword.authorization.identified import authenticated, nobody, optional, public
from watchword.authorization.leaves import permission, role, scope, via
from watchword.authorization.needs import HoldScope, Identity, LoginWithin, Need, ReachAcr, UseFactor, Via
from watchword.authorization.pattern import Pattern, parse_pattern
from watchword.authorization.requirement import Requirement
from watchword.authorization.rules import Route, Rules
from watchword.authorization.step_up import acr, factor, fresh

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
