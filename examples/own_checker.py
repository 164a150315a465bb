"""A checker of one's own: users in a table of SQLite, and what becomes of each of its answers.

Run it:
    pip install watchword
    python own_checker.py

It prints what the guard makes of four requests: the right password, a wrong one, an unknown user, and a table that is gone.
"""

from __future__ import annotations

import sqlite3
from base64 import b64encode

from argon2 import PasswordHasher

from watchword import Accepted, Basic, BasicCredentials, Guard, Principal, Reason, Refused, RequestView, Unavailable, Verdict, role
from watchword.checkers import verify_password

hasher = PasswordHasher()


class Accounts:
    """Checks user names and passwords against a table.

    It blocks: under ASGI the guard calls it in a worker thread.
    """

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        # An unknown user costs as much as a wrong password, so that nobody can tell the two apart with a clock.
        self._decoy = hasher.hash("")

    def check(self, credentials: BasicCredentials) -> Verdict:
        try:
            row = self._database.execute("SELECT hash, role FROM users WHERE name = ?", (credentials.username,)).fetchone()
        except sqlite3.Error as error:
            # Nobody can tell whether the password is right: 503, never 401. The reason goes to the log, not to the client.
            raise Unavailable(f"the table of users cannot be read: {error}", retry_after=10) from error
        stored, held = row or (self._decoy, "")
        right = verify_password(stored, credentials.password)
        if row is None:
            return Refused(Reason.UNKNOWN_IDENTITY)
        if not right:
            return Refused(Reason.WRONG_SECRET)
        return Accepted(Principal(credentials.username, roles={held}))


def make_database() -> sqlite3.Connection:
    database = sqlite3.connect(":memory:", check_same_thread=False)
    database.execute("CREATE TABLE users (name TEXT PRIMARY KEY, hash TEXT NOT NULL, role TEXT NOT NULL)")
    database.execute("INSERT INTO users VALUES ('ann', ?, 'admin')", (hasher.hash("sesame"),))
    return database


def request(name: str, password: str) -> RequestView:
    return RequestView("GET", "/admin", [("Authorization", "Basic " + b64encode(f"{name}:{password}".encode()).decode())], "192.0.2.7")


if __name__ == "__main__":
    users = make_database()
    guard = Guard(Basic(Accounts(users), realm="office"), rules={"/admin": role("admin")})
    for title, view in {
        "the right password": request("ann", "sesame"),
        "a wrong password": request("ann", "sesame "),
        "an unknown user": request("eve", "sesame"),
    }.items():
        print(f"--- {title}\n{guard.explain(view)}\n")
    users.execute("DROP TABLE users")
    print(f"--- the table is gone\n{guard.explain(request('ann', 'sesame'))}")
