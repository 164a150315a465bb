"""A checker without a guard: a job that works through messages, each of which carries an API key.

Run it:
    pip install watchword
    python background_job.py

It prints what becomes of five messages.

A guard does three things beside asking the checker, and whoever asks one alone does them: see that the key counts from where it
comes, see that it may do what it asks for, and run what is left for afterwards, which is how the use of a key is noted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from watchword import Accepted, APIKeyCredentials, Unavailable
from watchword.checkers import APIKeys
from watchword.stores import MemoryStore

if TYPE_CHECKING:
    from watchword import Principal


@dataclass(frozen=True)
class Message:
    key: str = field(repr=False)  # a secret does not print
    sender: str
    wants: str


def work(keys: APIKeys, message: Message) -> str:
    try:
        verdict = keys.check(APIKeyCredentials(message.key))  # in async code: await keys.acheck(...)
    except Unavailable as error:
        return f"put back: {error.why}"  # the key may be good: nobody knows
    if not isinstance(verdict, Accepted):
        return f"refused: {verdict.reason}"
    who = verdict.principal
    if not counts_from(who, message.sender):
        return f"refused: the key of {who.id} does not count from {message.sender}"
    if not who.has_scope(message.wants):
        return f"refused: {who.id} has not the scope {message.wants}"
    if verdict.after_response is not None:
        verdict.after_response.run()  # or await .arun(), if it is not None
    return f"done, for {who.id}"


def counts_from(who: Principal, sender: str) -> bool:
    networks = None if who.evidence is None else who.evidence.networks
    return networks is None or any(ip_address(sender) in ip_network(one) for one in networks)


if __name__ == "__main__":
    keys = APIKeys(MemoryStore())  # in earnest: SQLStore("sqlite:///auth.db"), and keys that `watchword key create` made
    shop = keys.create("shop", kind="client", scopes=["export"], networks=["10.0.0.0/8"])
    lost = keys.create("ann", scopes=["export"])
    keys.revoke(lost.record.id)
    for message in (
        Message(shop.key, "10.1.2.3", "export"),
        Message(shop.key, "10.1.2.3", "delete"),
        Message(shop.key, "192.0.2.7", "export"),
        Message(shop.key[:-1], "10.1.2.3", "export"),
        Message(lost.key, "10.1.2.3", "export"),
    ):
        print(message, "->", work(keys, message))
    print("the key of shop was used:", keys.get(shop.record.id).last_used_at is not None)
