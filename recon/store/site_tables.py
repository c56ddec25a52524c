"""The tables that a site fills or declares: its critical groups, its policy of password reset; and its mail domains.

`critical_group` belongs to the site alone: recon reads it. `sspr_policy` holds one row: what [sspr] declares is written
at each refresh, what it does not declare stays as a DBA wrote it. `company_domain` is made anew by each refresh.
"""

import re

from sqlalchemy import Column, Connection, Integer, SmallInteger, Table, delete, insert, or_, select, update

from recon.config import Sspr
from recon.decode.keys import fold
from recon.store.tables import LOADED, metadata, sql_column

EVERYBODY = "everybody"
_LONGEST_NAME = 253  # of DNS
_LONGEST_PATTERN = 514
_WILDCARD = re.compile(r"[%_\[\]!]")

critical_group = Table(
    "critical_group",
    metadata,
    sql_column("id", "key", 36, primary_key=True),
    sql_column("owner", "text", 256),
    sql_column("contact", "text", 256),
    sql_column("note", "text", 256),
    comment="One row per Entra group (object id, lower case) whose loss would hurt; a site fills it.",
)

sspr_policy = Table(
    "sspr_policy",
    metadata,
    Column("policy_id", Integer, primary_key=True, autoincrement=False),
    Column("email_method", SmallInteger),
    Column("methods_required", Integer),
    Column("password_writeback", SmallInteger),
    Column("is_for_everybody", SmallInteger),
    sql_column("group_id", "key", 36),
    comment="One row: the tenant's policy of self-service password reset as declared; NULL is not declared.",
)

company_domain = Table(
    "company_domain",
    metadata,
    Column("source_id", Integer, primary_key=True, autoincrement=False),
    sql_column("domain_key", "key", 256, primary_key=True),
    sql_column("address_pattern", "key", 514, nullable=False),
    comment="Two rows per domain of a tenant (UPN suffix of a member, or verified) with the pattern its addresses are "
    "LIKE: of the domain itself, and with a dot in front of what lies below it.",
)


def fill_company_domains(connection: Connection) -> None:
    """UPN suffixes of members and verified domains; ! escapes what LIKE takes for a wildcard on any engine."""
    user, domain = LOADED["entra_user"].c, LOADED["entra_domain"].c
    suffixes = (
        select(user.source_id, user.upn_suffix).where(user.is_guest == 0, user.upn_suffix.is_not(None)).distinct()
    )
    verified = select(domain.source_id, domain.domain_key).where(domain.isverified == 1, domain.domain_key.is_not(None))
    own = {(source_id, name) for asked in (suffixes, verified) for source_id, name in connection.execute(asked)}
    rows = [
        {"source_id": source_id, "domain_key": f"{dot}{name}", "address_pattern": pattern}
        for source_id, name in sorted(own)
        for dot, begin in (("", "%@"), (".", "%@%."))
        if len(pattern := begin + _WILDCARD.sub(r"!\g<0>", name)) <= _LONGEST_PATTERN and len(name) <= _LONGEST_NAME
    ]
    connection.execute(delete(company_domain))
    if rows:
        connection.execute(insert(company_domain), rows)


def fill_policy(connection: Connection, declared: Sspr) -> tuple[str, ...]:
    """Write what is declared into the one row; returns a warning where the group cannot be told."""
    if connection.scalar(select(sspr_policy.c.policy_id)) is None:
        connection.execute(insert(sspr_policy).values(policy_id=1))
    values: dict[str, object] = {
        name: int(value)
        for name in ("email_method", "methods_required", "password_writeback")
        if (value := getattr(declared, name)) is not None
    }
    warnings: tuple[str, ...] = ()
    if declared.group is not None and declared.group.lower() == EVERYBODY:
        values |= {"is_for_everybody": 1, "group_id": None}
    elif declared.group is not None:
        key = _group_id(connection, declared.group)
        values |= {"is_for_everybody": None, "group_id": key}
        if key is None:
            warnings = (f"[sspr] group: no group is called {declared.group}, or several are; readiness stays unknown",)
    if values:
        connection.execute(update(sspr_policy).values(values))
    return warnings


def _group_id(connection: Connection, named: str) -> str | None:
    group = LOADED["entra_group"].c
    found = connection.scalars(
        select(group.id).where(or_(group.id == named.lower(), group.name_key == fold(named, 256))).distinct()
    ).all()
    return found[0] if len(found) == 1 else None
