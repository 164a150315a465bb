"""Builds the statements once, so that SQLAlchemy compiles each once."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Select, and_, bindparam, delete, func, or_, select, true, update

from watchword.stores.sql import codec
from watchword.stores.sql.log import NEWS
from watchword.stores.sql.schema import accounts, families, keys, meta, names, tokens

# A query for one record also returns the latest changes. It returns a row even if it finds no record.
STATE = (meta.c.generation, NEWS)
BY_ID: BindParameter[Any] = bindparam("id")
OWNER = accounts.c.id == keys.c.owner
SUBJECT = accounts.c.id == tokens.c.subject
LOGIN = families.c.id == tokens.c.sid
FIND_ACCOUNT = select(*STATE, accounts.c.id, *codec.PADDED_ACCOUNT).select_from(
    meta.outerjoin(names, names.c.name == bindparam("name")).outerjoin(accounts, accounts.c.id == names.c.account_id)
)
FIND_FOLDED = select(*STATE, accounts.c.id, *codec.PADDED_ACCOUNT, names.c.name.label("spelled")).select_from(
    meta.outerjoin(names, names.c.folded == bindparam("folded")).outerjoin(accounts, accounts.c.id == names.c.account_id)
)
GET_ACCOUNT = select(*STATE, *codec.ACCOUNT.columns).select_from(meta.outerjoin(accounts, accounts.c.id == BY_ID))
FIND_KEY = select(*STATE, *codec.KEY.columns).select_from(meta.outerjoin(keys, keys.c.id == BY_ID).outerjoin(accounts, OWNER))
FIND_TOKEN = select(*STATE, *codec.TOKEN.columns).select_from(
    meta.outerjoin(tokens, tokens.c.digest == bindparam("digest")).outerjoin(accounts, SUBJECT).outerjoin(families, LOGIN)
)
GET_TOKEN = select(*STATE, *codec.TOKEN.columns).select_from(
    meta.outerjoin(tokens, tokens.c.id == BY_ID).outerjoin(accounts, SUBJECT).outerjoin(families, LOGIN)
)
FAMILY_OF = (
    select(*codec.FAMILY.columns).select_from(families.outerjoin(accounts, accounts.c.id == families.c.owner)).where(families.c.id == BY_ID)
)


def page(question: Select[Any], order: ColumnElement[str]) -> Select[Any]:
    """Return the question for a page of records in an order."""
    return question.where(order > bindparam("after")).order_by(order).limit(bindparam("limit"))


LIST_ACCOUNTS = page(select(*codec.ACCOUNT.columns), accounts.c.id)
LIST_KEYS = page(select(*codec.KEY.columns).select_from(keys.outerjoin(accounts, OWNER)), keys.c.id)
LIST_TOKENS = page(select(*codec.TOKEN.columns).select_from(tokens.outerjoin(accounts, SUBJECT).outerjoin(families, LOGIN)), tokens.c.id)
LIST_KEYS_OF = LIST_KEYS.where(keys.c.owner == bindparam("owner"))
LIST_TOKENS_OF = LIST_TOKENS.where(tokens.c.subject == bindparam("owner"))

HAS_HASH = and_(accounts.c.hash_profile.is_not(None), accounts.c.password_hash.is_not(None))
# From profile to profile through the index: one step per profile, and none grows with the accounts (threat W14).
NEXT_SAMPLE = (
    select(accounts.c.hash_profile, accounts.c.password_hash)
    .where(HAS_HASH, accounts.c.hash_profile > bindparam("profile"))
    .order_by(accounts.c.hash_profile)
    .limit(1)
)
COUNT_SAMPLES = select(func.count()).select_from(
    select(true().label("one")).where(HAS_HASH, accounts.c.hash_profile == bindparam("profile")).limit(bindparam("most")).subquery()
)
DUMMY_KEY = select(*STATE, meta.c.dummy_key)

ALIKE = select(names.c.name, names.c.account_id).where(names.c.folded.in_(bindparam("folded", expanding=True)))
NAMED = select(names.c.name, names.c.account_id).where(names.c.name.in_(bindparam("names", expanding=True)))
IDS = select(accounts.c.id).where(accounts.c.id.in_(bindparam("ids", expanding=True)))
CURRENT_ACCOUNT = select(*codec.ACCOUNT.columns).where(accounts.c.id == BY_ID, accounts.c.version == bindparam("version"))
# Names are deleted before their account, which a foreign key wants, and changed after it: the account is locked first.
LOCK_ACCOUNT = select(accounts.c.id).where(accounts.c.id == BY_ID).with_for_update()
DISABLED = select(accounts.c.disabled).where(accounts.c.id == bindparam("owner"))
CURRENT_KEY = select(*keys.c, DISABLED.scalar_subquery()).where(keys.c.id == BY_ID, keys.c.version == bindparam("version"))

THIS: BindParameter[Any] = bindparam("this")  # not "id", which would name the column that is set
AT: BindParameter[Any] = bindparam("at")
# Compare and set in one statement: of two changes of the same version the second one matches no row.
CURRENT: BindParameter[Any] = bindparam("current")
UPDATE_ACCOUNT = update(accounts).where(accounts.c.id == THIS, accounts.c.version == CURRENT)
UPDATE_KEY = update(keys).where(keys.c.id == THIS, keys.c.version == CURRENT)
SWAP_HASH = (
    update(accounts)
    .where(accounts.c.id == THIS, accounts.c.password_hash == bindparam("old"))
    .values(password_hash=bindparam("new"), hash_profile=bindparam("profile"), version=accounts.c.version + 1)
)
NOTE_LOGIN = (
    update(accounts)
    .where(accounts.c.id == THIS, or_(accounts.c.last_login_at.is_(None), accounts.c.last_login_at < AT))
    .values(last_login_at=AT)
)
NOTE_USE = update(keys).where(keys.c.id == THIS, or_(keys.c.last_used_at.is_(None), keys.c.last_used_at < AT)).values(last_used_at=AT)

# The first caller wins, whatever the clocks say: a token is redeemed once (threat S2).
REVOKE_KEYS = update(keys).where(keys.c.owner == THIS, keys.c.revoked_at.is_(None)).values(revoked_at=AT, version=keys.c.version + 1)
VALID_TOKEN = tokens.c.revoked_at.is_(None)
REVOKE_TOKENS = update(tokens).where(tokens.c.subject == THIS, VALID_TOKEN).values(revoked_at=AT)
LIVING_FAMILY = families.c.revoked_at.is_(None)
END_FAMILIES = update(families).where(families.c.owner == THIS, LIVING_FAMILY).values(revoked_at=AT)
REVOKE_TOKEN = update(tokens).where(tokens.c.id == THIS, VALID_TOKEN).values(revoked_at=AT)
HAS_ENDED = or_(tokens.c.expires_at < AT, tokens.c.revoked_at < AT)
# A page of the primary key without a condition: with one, a statement could read the whole table to find few ended tokens.
DIGESTS = (
    select(tokens.c.digest, tokens.c.id, HAS_ENDED.label("ended"))
    .where(tokens.c.digest > bindparam("after"))
    .order_by(tokens.c.digest)
    .limit(bindparam("limit"))
)
# Skips locked rows, which the next purge takes: a purge locks many rows, and must not wait for one of them.
_ENDED = select(tokens.c.digest).where(tokens.c.digest.in_(bindparam("digests", expanding=True)), HAS_ENDED)
PURGE = delete(tokens).where(tokens.c.digest.in_(_ENDED.with_for_update(skip_locked=True)))
