"""Lists the reasons for which a request is refused before anything is looked at: it can be read in more than one way, or is too large."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from watchword.reason import Reason
from watchword.reasons.entry import ReasonEntry, Words
from watchword.reasons.entry import mark as _

_AGAIN: Final = _("Go back and follow the link again. If it keeps happening, tell the operator of this service.")

_MALFORMED: Final = Words(
    _("Malformed credentials"),
    _("Your login details arrived damaged."),
    _("Log in again. If it keeps happening, tell the operator of this service."),
    "The credentials do not follow the syntax of their scheme.",
)
_LONG: Final = Words(
    _("Credentials too long"),
    _("Your login details are longer than this service accepts."),
    _("Log out and in again, or delete the cookies of this site."),
    "A credential field is longer than the limit.",
)
_LARGE: Final = Words(
    _("Content too large"),
    _("What was sent is larger than this service accepts."),
    _("Send less at once."),
    "The content is larger than what is read here. If it is a form with a token, send the token in the Authorization field.",
)

ENTRIES: Final = {
    Reason.AMBIGUOUS_PATH: ReasonEntry(
        Words(
            _("Ambiguous address"),
            _("The address of this page can be read in more than one way."),
            _("Check the address for doubled slashes, dots, semicolons or percent signs, or start from the home page."),
            "The request target can be read in more than one way. Send a normalised path.",
        ),
        "A rule of the firewall matched; explain() names it. It can be switched off by that name.",
        (400,),
        "home",
    ),
    Reason.HEADER_ALIAS: ReasonEntry(
        Words(
            _("Ambiguous header"),
            _("The request carried a header under a misleading name."),
            _AGAIN,
            "A header name with an underscore or a dot stands for a header that matters here. Send the name with hyphens only.",
        ),
        "Gateways read `x_api_key` and `x.api.key` as `x-api-key`: such aliases are refused, so that no client speaks through them.",
        (400,),
        "home",
    ),
    Reason.AMBIGUOUS_CREDENTIALS: ReasonEntry(
        Words(
            _("Credentials sent twice"),
            _("Your login details arrived more than once, and only one set can count."),
            _AGAIN,
            "More than one set of credentials was sent. Send exactly one, in one place.",
        ),
        "Two credential fields or carriers in one request: a client error, or a probe of a gateway.",
        (400,),
        "home",
        oauth="invalid_request",
    ),
    Reason.MALFORMED_CREDENTIALS: ReasonEntry(
        _MALFORMED,
        "explain() says what was expected and where.",
        (400, 401),
        "log_in",
        oauth="invalid_request",
        by_secret={
            "token": replace(
                _MALFORMED,
                happened=_("Your key or token arrived damaged."),
                next_step=_("Check whether it was copied whole. If it keeps happening, tell the operator of this service."),
            ),
        },
    ),
    Reason.MALFORMED_CONTENT: ReasonEntry(
        Words(
            _("Malformed content"),
            _("The request arrived damaged."),
            _AGAIN,
            "The content cannot be read in one way only. Send one JSON object in UTF-8, without a byte order mark, with distinct members.",
        ),
        "A rule depends on the content, such as mcp_tools(...). The log shows what was expected; the content is in no log.",
        (400,),
        "home",
    ),
    Reason.HEADER_MISMATCH: ReasonEntry(
        Words(
            _("Header mismatch"),
            _("The request contradicts itself."),
            _AGAIN,
            "A header field that repeats a part of the content is missing, or differs. Send `Mcp-Method` and `Mcp-Name` as in the content.",
        ),
        "A proxy that acts on the field and a server that acts on the content would see two operations: a client error, or a probe.",
        (400,),
        "home",
    ),
    Reason.OVERSIZED_CREDENTIALS: ReasonEntry(
        _LONG,
        "A credential field is longer than the bound. Some issuers put every group of a person into the token.",
        (431,),
        "home",
        oauth="invalid_request",
        by_secret={
            "token": replace(
                _LONG, happened=_("Your key or token is longer than this service accepts."), next_step=_("Get a new one, and use that.")
            )
        },
    ),
    Reason.OVERSIZED_CONTENT: ReasonEntry(
        _LARGE,
        "A scheme or a rule reads the content before the application does, and bounds it: Bearer(form_limit=...), mcp_tools(limit=...).",
        (413,),
        "home",
        oauth="invalid_request",
        by_secret={"password": replace(_LARGE, developer="The content is larger than what is read here. Send less at once.")},
    ),
    Reason.OVERSIZED_HEADER: ReasonEntry(
        Words(
            _("Request header too large"),
            _("Your browser sent more than this service accepts."),
            _("Delete the cookies of this site, then try again. If it keeps happening, tell the operator of this service."),
            "The request has more than 500 header fields, a field name of more than 256 octets, or a Host of more than 8192.",
        ),
        "The request has more header fields than are read, or a longer name or Host. A proxy in front may have split or added them.",
        (431,),
        "home",
    ),
    Reason.OVERSIZED_TARGET: ReasonEntry(
        Words(
            _("Address too long"),
            _("The address of this page is longer than this service accepts."),
            _("Check the address, or start from the home page."),
            "The decoded path is longer than 8192 octets, or the query is longer than 81920. Send what is long in the content of a POST.",
        ),
        "The path or the query is longer than is read.",
        (414,),
        "home",
    ),
}
"""The rows."""
