"""Tables that hold what specifications say, not what was loaded: flags, account types, well-known SIDs, countries.

Their rows come from recon.decode; the install script adds the missing ones, a refresh brings them up to date.
"""

from collections.abc import Callable, Mapping

from sqlalchemy import Column, Connection, Integer, SmallInteger, Table, delete, insert, select

from recon.decode.country import is_country_code
from recon.decode.grouptype import FLAGS as GROUP_FLAGS
from recon.decode.grouptype import SAM_ACCOUNT_TYPES
from recon.decode.uac import FLAGS as UAC_FLAGS
from recon.decode.wellknown import WELL_KNOWN_SIDS
from recon.store.tables import metadata, sql_column

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

country = Table(
    "country",
    metadata,
    # compared with raw text, so it has the same collation; 249 rows need no index
    sql_column("code", "text", 2, nullable=False),
    comment="One row per country code of ISO 3166-1 alpha-2.",
)

uac_flag = Table(
    "uac_flag",
    metadata,
    Column("bit", Integer, primary_key=True, autoincrement=False),  # its place from 0
    sql_column("name", "key", 64, nullable=False),
    Column("value_int", Integer, nullable=False),
    Column("is_computed", SmallInteger, nullable=False),  # 1: proves something in the computed attribute alone
    sql_column("note", "text", 256, nullable=False),
    comment="One row per flag of userAccountControl: select … from ad_user as a inner join uac_flag as f on "
    "(a.useraccountcontrol & f.value_int) = f.value_int.",
)

group_type_flag = Table(
    "group_type_flag",
    metadata,
    Column("bit", Integer, primary_key=True, autoincrement=False),
    sql_column("name", "key", 64, nullable=False),
    Column("value_int", Integer, nullable=False),  # signed, as AD stores groupType: bit 31 is -2147483648
    sql_column("note", "text", 256, nullable=False),
    comment="One row per flag of groupType; value_int is signed, so that & finds the security bit too.",
)

sam_account_type = Table(
    "sam_account_type",
    metadata,
    Column("value_int", Integer, primary_key=True, autoincrement=False),
    sql_column("name", "key", 64, nullable=False),
    comment="One row per value of sAMAccountType.",
)

well_known_sid = Table(
    "well_known_sid",
    metadata,
    sql_column("sid", "key", 184, primary_key=True),  # S-1-…, or S-1-5-21-<domain>-RID
    sql_column("name", "text", 256, nullable=False),
    sql_column("kind", "key", 16, nullable=False),  # universal, builtin, domain
    Column("rid", Integer),  # of kind domain: the number behind the domain's SID
    comment="One row per well-known SID ([MS-DTYP] 2.4.2.4). Those of kind domain stand behind a domain's own SID.",
)


def country_codes() -> list[str]:
    """Every country code of ISO 3166-1 alpha-2, in order."""
    return [one + two for one in _LETTERS for two in _LETTERS if is_country_code(one + two)]


def _signed(value: int) -> int:
    return value - (1 << 32) if value >> 31 else value


_Rows = list[dict[str, object]]

REFERENCE: Mapping[Table, Callable[[], _Rows]] = {
    country: lambda: [{"code": code} for code in country_codes()],
    uac_flag: lambda: [
        {"bit": f.bit, "name": f.name, "value_int": f.value, "is_computed": int(f.is_computed), "note": f.note}
        for f in UAC_FLAGS
    ],
    group_type_flag: lambda: [
        {"bit": f.bit, "name": f.name, "value_int": _signed(f.value), "note": f.note} for f in GROUP_FLAGS
    ],
    sam_account_type: lambda: [{"value_int": value, "name": name} for value, name in SAM_ACCOUNT_TYPES.items()],
    well_known_sid: lambda: [
        {"sid": each.sid, "name": each.name, "kind": each.kind, "rid": each.rid} for each in WELL_KNOWN_SIDS
    ],
}


def fill_reference(connection: Connection) -> None:
    """Make each reference table hold exactly what this version knows."""
    for table, rows_of in REFERENCE.items():
        wanted = rows_of()
        held = {tuple(row) for row in connection.execute(select(table))}
        if held != {tuple(row[column.name] for column in table.columns) for row in wanted}:
            connection.execute(delete(table))
            connection.execute(insert(table), wanted)
