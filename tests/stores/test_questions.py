"""The questions for one record: what every check that is not cached costs."""

from __future__ import annotations

import pytest
from sqlalchemy import URL

from watchword.stores.sql import statements

QUESTIONS = {
    name: getattr(statements, name) for name in ("FIND_ACCOUNT", "FIND_FOLDED", "GET_ACCOUNT", "FIND_KEY", "FIND_TOKEN", "DUMMY_KEY")
}


@pytest.mark.parametrize("driver", ["sqlite+pysqlite", "postgresql+psycopg"])
@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_is_rendered_once(name: str, driver: str) -> None:
    """No part of its text depends on a parameter, so that nothing is rendered anew at each execution."""
    dialect = URL.create(driver).get_dialect()()
    assert "POSTCOMPILE" not in str(QUESTIONS[name].compile(dialect=dialect))
