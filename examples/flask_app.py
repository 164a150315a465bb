"""A Flask application behind a guard.

Run it:
    pip install watchword flask
    python flask_app.py
Then try:
    curl -i -u ann:sesame http://127.0.0.1:8000/orders/7
    curl -i -u bob:mellon http://127.0.0.1:8000/admin/users
"""

from argon2 import PasswordHasher
from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue

from watchword import Basic, Guard, Principal, network, public, role
from watchword.adapters.wsgi import GuardMiddleware
from watchword.checkers import Users

hash_password = PasswordHasher().hash
users = Users(
    {"ann": hash_password("sesame"), "bob": hash_password("mellon")},
    principals={"ann": Principal("ann", roles={"admin"}, claims={"name": "Ann Example"})},
)
guard = Guard(
    Basic(users, realm="office"),
    rules={
        "/healthz": public,
        "/admin/**": role("admin") & network("127.0.0.0/8", "::1/128"),
    },
    contact="helpdesk@example.com",
)

app = Flask(__name__)
app.wsgi_app = GuardMiddleware(app.wsgi_app, guard)  # type: ignore[method-assign]  # the way Flask documents


def current_principal() -> Principal:
    who: Principal = request.environ["watchword.principal"]
    return who


@app.get("/healthz")
def healthz() -> ResponseReturnValue:
    return jsonify(status="ok")


@app.get("/orders/<int:number>")
def order(number: int) -> ResponseReturnValue:
    # No rule names this path, so it needs somebody: closed by default.
    return jsonify({"order": number, "for": current_principal().display_name})


@app.get("/admin/users")
def admin() -> ResponseReturnValue:
    return jsonify(users=["ann", "bob"], asked_by=request.remote_user)


if __name__ == "__main__":
    app.run(port=8000)
