"""A FastAPI application behind a guard: pip install watchword fastapi uvicorn; python app.py

Then open http://127.0.0.1:8000/docs, press Authorize, and give the token 1507c3e3741a4930.
"""

from typing import Annotated

import uvicorn
from fastapi import APIRouter, FastAPI

from watchword import Bearer, Guard, Principal, role, scope
from watchword.adapters.fastapi import CurrentPrincipal, Requires, install
from watchword.checkers import Tokens
from watchword.presets import api_docs

tokens = Tokens({"1507c3e3741a4930": Principal("ann", scopes={"orders:read"})})
guard = Guard(Bearer(tokens, realm="orders"), rules=api_docs)  # every other path needs a login
app = FastAPI(title="Orders")
install(app, guard)
audit = APIRouter(prefix="/audit", dependencies=[Requires(role("auditor"))])


@app.get("/orders/{number}")
def order(number: int, who: Annotated[Principal, Requires(scope("orders:read"))]) -> dict[str, object]:
    return {"order": number, "for": who.id}


@app.get("/me")
def me(who: CurrentPrincipal) -> dict[str, str]:
    return {"name": who.display_name}


@audit.get("/reports")
def reports() -> dict[str, list[str]]:
    return {"reports": []}


app.include_router(audit)
if __name__ == "__main__":
    uvicorn.run(app, port=8000, proxy_headers=False)
