"""An MCP server behind a guard: pip install 'watchword[jwt]' mcp uvicorn; RESOURCE=... ISSUER=... python app.py
Clients find the issuer by the metadata of the resource, log their user in, and ask for more scopes when a tool needs them.
"""

import os

import uvicorn
from mcp.server import MCPServer

from watchword import Bearer, Guard, ResourceMetadata, mcp_tools, scope
from watchword.adapters.asgi import GuardMiddleware
from watchword.checkers import JWT

RESOURCE = os.environ.get("RESOURCE", "http://127.0.0.1:8000/mcp")  # as clients write it; https beyond this machine
ISSUER = os.environ.get("ISSUER", "http://127.0.0.1:9000")
server = MCPServer("orders")


@server.tool()
def find(order: int) -> str:
    """Say where an order is."""
    return f"order {order} is on its way"


@server.tool()
def refund(order: int) -> str:
    """Pay an order back."""
    return f"order {order} is paid back"


metadata = ResourceMetadata(resource=RESOURCE, authorization_servers=[ISSUER], scopes_supported=["mcp:use"])
tokens = JWT(issuer=ISSUER, audience=RESOURCE, algorithms=["ES256"])
rules = {"/mcp": mcp_tools({"refund": scope("mcp:use", "payments:write")}, default=scope("mcp:use"))}
guard = Guard(Bearer(tokens, metadata=metadata), rules=rules)
app = GuardMiddleware(server.streamable_http_app(), guard)
if __name__ == "__main__":
    uvicorn.run(app, port=8000, proxy_headers=False)
