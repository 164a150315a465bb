"""The style and the script of the pages, and the policy that lets a browser load these two and nothing else."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import Final

from watchword.console.markup import Markup

STYLE: Final = (
    ":root{color-scheme:light dark;--ink:#1b1f24;--paper:#fff;--soft:#f3f5f7;--line:#c9d1d9;--link:#0b57d0;"
    "--granted:#2e7d32;--refused:#b26a00;--malformed:#6a4fb3;--failed:#c62828}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6e9ec;--paper:#14171a;--soft:#1f2429;--line:#3d444d;--link:#8ab4f8;"
    "--granted:#81c784;--refused:#ffb74d;--malformed:#b39ddb;--failed:#ef9a9a}}"
    "*{box-sizing:border-box}"
    "body{margin:0;font:1rem/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);overflow-wrap:anywhere}"
    "a{color:var(--link)}:focus-visible{outline:3px solid var(--link);outline-offset:2px}"
    ".skip{position:absolute;left:-999rem}.skip:focus{left:.5rem;top:.5rem;padding:.5rem;background:var(--paper)}"
    "header{padding:.75rem 1.25rem;border-bottom:1px solid var(--line);background:var(--soft)}"
    "header p{margin:0}nav ul{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;margin:.5rem 0 0;padding:0;list-style:none}"
    "nav a{display:inline-block;padding:.25rem 0}"
    "nav a[aria-current]{font-weight:700;text-decoration:none;border-bottom:3px solid var(--link)}"
    "main{max-width:72rem;margin:0 auto;padding:1rem 1.25rem 3rem}"
    "h1{font-size:1.6rem;margin:.5rem 0 1rem}h2{font-size:1.2rem;margin:2rem 0 .5rem}"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;width:100%}caption{text-align:left;padding:.25rem 0}"
    "th,td{text-align:left;vertical-align:top;padding:.4rem .75rem .4rem 0;border-bottom:1px solid var(--line)}"
    ".number{text-align:right;font-variant-numeric:tabular-nums}td{min-width:4rem}"
    "details{max-width:40rem}summary{cursor:pointer;padding:.2rem 0}details p{margin:.25rem 0}"
    ".chart{display:block;width:100%;height:9rem;background:var(--soft)}.axis{stroke:var(--line);stroke-width:1}"
    ".bar{display:block;width:8rem;height:.6rem}.share{fill:var(--link)}"
    ".granted{fill:var(--granted);color:var(--granted)}.refused{fill:var(--refused);color:var(--refused)}"
    ".malformed{fill:var(--malformed);color:var(--malformed)}.failed{fill:var(--failed);color:var(--failed)}"
    ".legend{display:flex;flex-wrap:wrap;gap:.25rem 1.5rem;padding:0;list-style:none}"
    ".legend svg{width:.8rem;height:.8rem;margin-right:.4rem}"
    "form{margin:.5rem 0}form.row{display:inline-block;margin:0 .5rem .25rem 0}label{display:block;margin:.5rem 0}"
    "input,select,button{font:inherit;color:inherit;background:var(--paper);border:1px solid var(--ink);"
    "border-radius:.25rem;padding:.35rem .6rem;max-width:100%}input[type=text],input[type=number]{display:block;width:24rem}"
    "button{cursor:pointer;background:var(--soft)}code{font-size:.95em;user-select:all}"
    ".note{padding:.75rem 1rem;border-left:.3rem solid var(--link);background:var(--soft)}.faint{opacity:.85}"
    "#pause{display:inline-block;margin:0}#pause[hidden]{display:none}"
)

# It shows again what the server draws, and makes no markup of its own: a message of the server is a number.
SCRIPT: Final = (
    "(()=>{'use strict';const live=document.getElementById('live'),pause=document.getElementById('pause');if(!live||!pause)return;"
    "const on=pause.querySelector('input');pause.hidden=false;let busy=false,timer=0;"
    "const stop=()=>{clearInterval(timer);timer=0};"
    "const refresh=async()=>{"
    # Nothing moves away under a keyboard or a reader.
    "if(busy||!on.checked||document.hidden||"
    "live.contains(document.activeElement)||live.querySelector('details[open]'))return;busy=true;"
    "try{const answer=await fetch(location.href);if(!answer.ok){stop();return}"
    "const fresh=new DOMParser().parseFromString(await answer.text(),'text/html').getElementById('live');"
    "if(fresh)live.replaceChildren(...fresh.childNodes)}catch{}finally{busy=false}};"
    "const poll=()=>{if(!timer)timer=setInterval(refresh,5000)};"
    "if(!live.dataset.events){poll();return}"
    "let source=null;const listen=()=>{if(source||timer)return;source=new EventSource(live.dataset.events);source.onmessage=refresh;"
    "source.onerror=()=>{if(source.readyState===EventSource.CLOSED)poll()}};"
    # A browser has six connections for a host of HTTP/1.1, for all of its tabs.
    "document.addEventListener('visibilitychange',()=>{"
    "if(document.hidden&&source){source.close();source=null}else if(!document.hidden){listen();refresh()}});"
    "if(!document.hidden)listen()})()"
)


def _digest(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


POLICY: Final = (
    f"default-src 'none'; style-src {_digest(STYLE)}; script-src {_digest(SCRIPT)}; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
"""Content-Security-Policy: the one style and the one script by their digests."""

HEADERS: Final = (
    ("Content-Type", "text/html; charset=utf-8"),
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", POLICY),
    ("X-Frame-Options", "DENY"),
    ("X-Content-Type-Options", "nosniff"),
    # Not no-referrer: a browser would send `Origin: null` with the forms of these pages, over plain http (decision 23).
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
"""The header fields of every page."""

# The only markup that `tag` does not make: two constants, in which escaping would change the digest.
STYLE_ELEMENT: Final = Markup(f"<style>{STYLE}</style>")
SCRIPT_ELEMENT: Final = Markup(f"<script>{SCRIPT}</script>")
