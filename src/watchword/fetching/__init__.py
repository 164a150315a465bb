"""Fetches small documents from servers that the operator named: key sets, metadata, and answers about tokens."""

from watchword.fetching.answer import Fetched, NoAnswer
from watchword.fetching.breaker import Breaker
from watchword.fetching.fetcher import LIMIT, Fetcher
from watchword.fetching.lifetime import lifetime_of
from watchword.url import Url, configured_url, linked_url

__all__ = ["LIMIT", "Breaker", "Fetched", "Fetcher", "NoAnswer", "Url", "configured_url", "lifetime_of", "linked_url"]
