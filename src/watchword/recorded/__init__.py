"""Reads requests that people have kept: curl command lines, HTTP messages, and HAR files of browsers.

All of it is untrusted and bounded. No file that a request names is read, and nothing is sent.
"""

from watchword.recorded.reading import Reading, read_recorded
from watchword.recorded.request import Recorded, UnreadableRequest

__all__ = ["Reading", "Recorded", "UnreadableRequest", "read_recorded"]
