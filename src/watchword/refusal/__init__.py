"""A decision in HTTP: the only place that writes a status, a header or a body."""

from watchword.refusal.granting import grant_headers, styled_headers
from watchword.refusal.prepared import Refusal
from watchword.refusal.rendering import DOCUMENTATION, Renderer
from watchword.refusal.statuses import disclosed_reason, status_of

__all__ = ["DOCUMENTATION", "Refusal", "Renderer", "disclosed_reason", "grant_headers", "status_of", "styled_headers"]
