"""The columns of views for the data dictionary: what a column of the table behind a view means, or a text of its own.

A view's columns are asked of an empty SQLite database in memory, where the views are made, not read out of their text.
Views of findings all return the same columns; recon.deploy takes those from finding_row.
"""

from collections.abc import Iterator, Sequence

import sqlalchemy

from recon import dictionary
from recon.catalog import Statement
from recon.decode.uac import FLAGS
from recon.store.tables import metadata

_UNKNOWN = "not known, or none that could be derived"
# tables behind a view whose name does not tell: the first that has the column says what it means
_BEHIND = {
    "ad_user_password": ("ad_user", "ad_domain"),
    "ad_certificate_mapping_decoded": ("ad_user_altsecurityidentity", "ad_user", "finding_row"),
    "entra_user_othermail_masked": ("entra_user_othermail",),
    "finding": ("finding_row", "finding_count"),
    "load_skew": ("pair",),
}
# column, or view.column: type and meaning of what stands in no table
_OWN: dict[str, tuple[str, str]] = {
    name.strip(): (kind.strip(), meaning.strip())
    for name, kind, meaning in (
        line.split(":", 2)
        for line in """
account_type: text: what sAMAccountType says, in words
password_age_days: int: days from the last change of the password to the last refresh
must_change_password: flag: pwdLastSet is 0
days_since_logon: int: days from last_logon_at to the last refresh; up to 14 too many
never_expires: flag: accountExpires is 0 or 9223372036854775807
is_expired: flag: the account has expired by the clock of the last refresh
is_recycled: flag: isRecycled: only a remnant is left
deleted_at: time: whenChanged of the deleted object
days_since: int: days from the deletion to the last refresh
group_scope: text: scope that groupType says, in words
is_security: flag: groupType is below 0
is_builtin: flag: groupType has bit 1, made by the system
policy_name: text: the fine-grained policy that holds; NULL: the domain's own
ad_user_password.is_computed: flag: 1: the domain controller said it (msDS-User-Account-Control-Computed)
is_password_expired: flag: the password has expired
is_locked: flag: the account is locked
object_kind: text: user, guest, Microsoft 365 group or security group
days_left: int: days until it is purged, from the last refresh; below 0: gone since
user_kind: text: guest or member
mastered_in: text: synced (from AD) or cloud
is_enabled_known: flag: accountEnabled stood in the answer
othermails_known: flag: otherMails stood in the answer
is_new: flag: the refresh before did not have the row
finding.is_accepted: flag: a row of finding_acceptance covers it
pairs: int: accepted matches of the two sources
pairs_in_skew: int: those that findings leave out
standing: text: future, current, leaver or unknown, by the clock of the last refresh
""".strip().splitlines()
    )
}
_OWN |= {f"uac_{flag.name.lower()}": ("flag", f"{flag.name} of userAccountControl") for flag in FLAGS}
_OWN |= {
    f"computed_{flag.name.lower()}": ("flag", f"{flag.name} of msDS-User-Account-Control-Computed") for flag in FLAGS
}


def _columns(views: Sequence[tuple[str, Statement]]) -> Iterator[tuple[str, Sequence[str]]]:
    engine = sqlalchemy.create_engine("sqlite://")
    try:
        with engine.begin() as connection:
            metadata.create_all(connection)
            for name, statement in views:
                asked = connection.exec_driver_sql(f"select * from (\n{statement.sql('sqlite')}\n) where 1 = 0")
                yield name, tuple(asked.keys())
    finally:
        engine.dispose()


def view_entries(views: Sequence[tuple[str, Statement]]) -> Iterator[dictionary.ColumnEntry]:
    """Every column of every view, those of findings aside; no meaning where nothing says it (the suite fails then)."""
    known = {(each.table_name, each.column_name): each for each in dictionary.column_entries()}
    for view, names in _columns([(name, each) for name, each in views if each.layer != "findings"]):
        plain = view.removeprefix("fill_").removesuffix("_decoded")
        behind = _BEHIND.get(view, (plain,))
        for position, name in enumerate(names, 1):
            its = next((known[table, name] for table in behind if (table, name) in known), None)
            own = _OWN.get(f"{view}.{name}") or (None if its else _OWN.get(name))
            if own is not None or its is None:
                kind, meaning = own or ("text", "")
                yield dictionary.ColumnEntry(
                    view, name, position, kind, None, meaning, dictionary.BY_TYPE.get(kind), _UNKNOWN, 0,
                    dictionary.since(view, name),
                )  # fmt: skip
            else:
                null = its.null_means if its.table_name == behind[0] or its.null_means != "never NULL" else _UNKNOWN
                yield its._replace(table_name=view, position=position, null_means=null)
