"""Negotiates a media type by the Accept field (RFC 9110 §12.4, §12.5.1)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from watchword.grammar.abnf import OWS
from watchword.grammar.limits import MAX_FIELD_OCTETS, MAX_RANGE_PARAMETERS, MAX_RANGES
from watchword.grammar.lists import split_outside_quotes
from watchword.grammar.octets import lenient_octets

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

# RFC 9110, Section 12.4.2
#   weight = OWS ";" OWS "q=" qvalue
#   qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] )
_WEIGHT: Final = re.compile(rb"[qQ]=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)")

# Stands in a key for parameters other than the weight: `text/html;level=1` says less about plain text/html than text/html does.
_QUALIFIED: Final = b";"


def preferred_type(accept: str | bytes | None, offered: Sequence[str], *, otherwise: str | None = None, named: Collection[str] = ()) -> str:
    """Choose the media type a client likes best among those there are.

    For the body of a refusal, so a fallback is better than 406. The most specific range that matches a type decides its weight:
    `type/subtype` before `type/*` before `*/*`. Parameters are ignored, save that `text/html` decides before `text/html;level=1`.
    A weight of 0 excludes.

    Args:
        accept: the value of the Accept field (several joined with commas), from an untrusted source; None: the field is absent.
        offered: at least one media type, the best first; parameters in them are ignored.
        otherwise: what to send to a client that accepts none of them; None: the first.
        named: those of `offered` that no `*` chooses; not all of them.

    Returns:
        The member of `offered` with the greatest weight, of equal ones the first; `otherwise` if none is acceptable. The first that is
        not in `named` if the field is absent, longer than `MAX_FIELD_OCTETS`, or a list of more than `MAX_RANGES` members. Members of the
        field that are malformed are skipped. Never raises.
    """
    first = next((candidate for candidate in offered if candidate not in named), offered[0])
    if accept is None or len(accept) > MAX_FIELD_OCTETS:
        return first
    members = split_outside_quotes(lenient_octets(accept), b",", MAX_RANGES)
    # An anonymous client sends this with the refused request: no list of any length may make the refusal expensive.
    if len(members) > MAX_RANGES:
        return first
    weights = _parse_accept(members)
    best, best_weight = first if otherwise is None else otherwise, 0.0
    for candidate in offered:
        weight = _weight_of(candidate, weights, by_range=candidate not in named)
        if weight > best_weight:
            best, best_weight = candidate, weight
    return best


# RFC 9110, Section 12.5.1
#   Accept      = #( media-range [ weight ] )
#   media-range = ( "*/*" / ( type "/" "*" ) / ( type "/" subtype ) ) parameters
def _parse_accept(members: Sequence[bytes]) -> dict[bytes, float]:
    """Return the weight of every range. One that is malformed needs no check: no media type that is offered looks it up."""
    weights: dict[bytes, float] = {}
    for member in members:
        media_range, semicolon, parameters = member.partition(b";")
        key = media_range.strip(OWS).lower()
        weight: float | None = 1.0
        if semicolon:
            weight, qualified = parse_weight(parameters)
            if qualified and not key.endswith(b"/*"):
                key += _QUALIFIED
        if weight is not None and weight > weights.get(key, -1.0):
            weights[key] = weight
    return weights


def parse_weight(data: bytes) -> tuple[float | None, bool]:
    """Return the weight (1 by default, None if it is malformed), and whether other parameters are present.

    Args:
        data: what follows the first semicolon of a range. More than `MAX_RANGE_PARAMETERS` parameters are malformed.
    """
    qualified = False
    parts = split_outside_quotes(data, b";", MAX_RANGE_PARAMETERS)
    if len(parts) > MAX_RANGE_PARAMETERS:
        return None, True
    for part in parts:
        parameter = part.strip(OWS)
        if parameter.partition(b"=")[0].rstrip(OWS) in {b"q", b"Q"}:
            match = _WEIGHT.fullmatch(parameter)
            # RFC 7231 §5.3.2 allowed extensions after the weight. RFC 9110 §12.5.1 removed them, so they are ignored.
            return (None if match is None else float(match[1])), qualified
        qualified = qualified or bool(parameter)
    return 1.0, qualified


def _weight_of(candidate: str, weights: dict[bytes, float], *, by_range: bool) -> float:
    plain = lenient_octets(candidate.partition(";")[0].strip().lower())
    kind = plain.partition(b"/")[0]
    for key in (plain, plain + _QUALIFIED, *((kind + b"/*", b"*/*") if by_range else ())):
        if key in weights:
            return weights[key]
    return 0.0
