"""The application of one framework, with its own adapter: FRAMEWORK names it. Served for `test_native.py`, and imported by nothing else."""

from __future__ import annotations

import os

from tests.support.frameworks import framework
from tests.support.frameworks.demands import VIEWS, views_guard

_entered = framework(os.environ["FRAMEWORK"]).application(views_guard(), VIEWS)
asgi = wsgi = _entered.__enter__()
