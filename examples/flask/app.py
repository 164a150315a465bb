"""A Flask application behind a guard: pip install watchword flask; python app.py

Then try: curl -i -u bob:mellon http://127.0.0.1:8000/orders/7 and http://127.0.0.1:8000/reports
"""

from argon2 import PasswordHasher
from flask import Flask

from watchword import Basic, Guard, Principal, network, public, role
from watchword.adapters.flask import Watchword, current_principal, requires
from watchword.checkers import Users

hashes = {name: PasswordHasher().hash(password) for name, password in {"ann": "sesame", "bob": "mellon"}.items()}
users = Users(hashes, principals={"ann": Principal("ann", roles={"admin", "auditor"})})
rules = {"/healthz": public, "/admin/**": role("admin") & network("127.0.0.0/8", "::1/128")}  # every other path needs a login

app = Flask(__name__)
guard = Guard(Basic(users, realm="office"), rules=rules, contact="helpdesk@example.com")
Watchword(app, guard)


@app.get("/healthz")
def healthz() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/orders/<int:number>")
@app.get("/admin/orders/<int:number>")
def order(number: int) -> dict[str, object]:
    return {"order": number, "for": current_principal.id}


@app.get("/reports")
@requires(role("auditor"))
def reports() -> dict[str, list[str]]:
    return {"reports": []}


if __name__ == "__main__":
    app.run(port=8000)
