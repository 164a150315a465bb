"""The former name of `watchword.guard.forwarding`."""

from watchword.guard.forwarding import forwarding as handover

__all__ = ["handover"]
