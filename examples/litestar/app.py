"""A Litestar application behind a guard: pip install watchword 'litestar[standard]'; litestar --app app:app run

Then try: curl -i -u ann:sesame http://127.0.0.1:8000/orders/7
          curl -i -u bob:mellon http://127.0.0.1:8000/reports
"""

from typing import Any

from argon2 import PasswordHasher
from litestar import Litestar, Request, get
from litestar.params import FromPath

from watchword import Basic, Guard, Principal, public, role
from watchword.adapters.litestar import GuardPlugin, requires
from watchword.checkers import Users

hashes = {name: PasswordHasher().hash(password) for name, password in {"ann": "sesame", "bob": "mellon"}.items()}
users = Users(hashes, principals={"ann": Principal("ann", roles={"auditor"})})
guard = Guard(Basic(users, realm="office"), rules={"/schema/**": public})  # every other path needs a login


@get("/orders/{number:int}")
async def order(request: Request[Principal, Any, Any], number: FromPath[int]) -> dict[str, int | str]:
    return {"order": number, "for": request.user.id}


@get("/reports")
@requires(role("auditor"))
async def reports() -> dict[str, list[str]]:
    return {"reports": []}


app = Litestar([order, reports], plugins=[GuardPlugin(guard)])
