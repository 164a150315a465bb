"""A Quart application behind a guard: pip install watchword quart; python app.py

Then try: curl -i -u ann:sesame http://127.0.0.1:8000/orders/7
          curl -i -u bob:mellon http://127.0.0.1:8000/reports
"""

from argon2 import PasswordHasher
from quart import Quart, websocket

from watchword import Basic, Guard, Principal, role
from watchword.adapters.quart import Watchword, current_principal, requires
from watchword.checkers import Users

hashes = {name: PasswordHasher().hash(password) for name, password in {"ann": "sesame", "bob": "mellon"}.items()}
users = Users(hashes, principals={"ann": Principal("ann", roles={"auditor"})})

guard = Guard(Basic(users, realm="office"))  # every path needs a login

app = Quart(__name__)
Watchword(app, guard)


@app.get("/orders/<int:number>")
async def order(number: int) -> dict[str, object]:
    return {"order": number, "for": current_principal.id}


@app.get("/reports")
@requires(role("auditor"))
async def reports() -> dict[str, list[str]]:
    return {"reports": []}


@app.websocket("/news")
async def news() -> None:
    await websocket.send(f"hello {current_principal.id}")


if __name__ == "__main__":
    app.run(port=8000)
