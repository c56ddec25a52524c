"""The tables that `recon refresh` fills: who is who, the pairs with what is compared, findings, the clock.

They are derived: every row can be made again from the loaded tables, so a refresh empties and fills them in
one transaction. The row_ids of ad_user, entra_user and worker join them; the SELECTs that fill them stand in
sql/match.
"""

from sqlalchemy import Column, Identity, Index, Integer, SmallInteger, Table

from recon.store.tables import metadata, sql_column

# sides of a pair that are compared or shown: (name of the column in the loaded table, our type, size)
PAIR_AD_COLUMNS: tuple[tuple[str, str, int | None], ...] = (
    ("guid", "key", 36),
    ("displayname", "text", 256),
    ("givenname", "text", 64),
    ("sn", "text", 64),
    ("samaccountname", "text", 256),
    ("userprincipalname", "text", 1024),
    ("upn_key", "key", 450),
    ("mail", "text", 256),
    ("mail_key", "key", 256),
    ("employeeid", "text", 64),
    ("employeeid_key", "key", 64),
    ("sid", "key", 184),
    ("immutable_id", "anchor", 64),
    ("useraccountcontrol", "int", None),
    ("is_enabled", "flag", None),
    ("account_expires_at", "time", None),
    ("account_expires_day", "day", None),
    ("distinguishedname", "text", None),
    ("dn_key", "key", 850),
    ("whencreated", "time", None),
    ("whenchanged", "time", None),
)
PAIR_ENTRA_COLUMNS: tuple[tuple[str, str, int | None], ...] = (
    ("id", "key", 36),
    ("displayname", "text", 256),
    ("givenname", "text", 64),
    ("surname", "text", 64),
    ("userprincipalname", "text", 1024),
    ("upn_key", "key", 450),
    ("mail", "text", 256),
    ("mail_key", "key", 256),
    ("employeeid", "text", 64),
    ("employeeid_key", "key", 64),
    ("sid", "key", 184),
    ("onpremisesimmutableid", "anchor", 128),
    ("is_enabled", "flag", None),
    ("is_guest", "flag", None),
    ("is_synced", "flag", None),
    ("othermails_count", "int", None),
    ("usagelocation", "text", 8),
    ("usagelocation_known", "flag", None),
    ("onpremiseslastsyncdatetime", "time", None),
)


def _flag(name: str) -> Column[int]:
    return Column(name, SmallInteger, nullable=False)


def _id(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, Integer, nullable=nullable)


match_crowd = Table(
    "match_crowd",
    metadata,
    _id("rule_number"),
    _id("source_id"),
    sql_column("key_value", "key", 450, nullable=False),
    _id("holders"),
    Index("match_crowd_key", "key_value"),
    comment="One row per key that more than 20 users of one source hold: it makes no candidates of the match. "
    "rule_number: 3 employee id, 4 UPN, 5 mail.",
)

match_candidate = Table(
    "match_candidate",
    metadata,
    Column("ad_row_id", Integer, primary_key=True, autoincrement=False),
    Column("entra_row_id", Integer, primary_key=True, autoincrement=False),
    _id("ad_source_id"),
    _id("entra_source_id"),
    _id("rule_number"),
    _id("rules_agreeing"),
    _flag("has_anchor"),
    _flag("has_sid"),
    _flag("has_employeeid"),
    _flag("has_upn"),
    _flag("has_mail"),
    _id("place_for_ad"),
    _id("ties_for_ad"),
    _id("place_for_entra"),
    _id("ties_for_entra"),
    _flag("is_accepted"),
    sql_column("reason", "key", 32, nullable=False),
    Index("match_candidate_entra", "entra_row_id"),
    comment="One row per AD user and Entra user of linked sources that at least one rule joins. "
    "rule_number: 1 anchor, 2 SID, 3 employee id, 4 UPN, 5 mail; places count from 1.",
)

user_match = Table(
    "user_match",
    metadata,
    Column("ad_row_id", Integer, primary_key=True, autoincrement=False),
    Column("entra_row_id", Integer, primary_key=True, autoincrement=False),
    _id("ad_source_id"),
    _id("entra_source_id"),
    _id("rule_number"),
    _id("rules_agreeing"),
    _id("runner_up_entra_row_id", nullable=True),
    _id("runner_up_ad_row_id", nullable=True),
    _id("runner_up_rule", nullable=True),
    Index("user_match_entra", "entra_row_id", unique=True),
    comment="One row per accepted match: the sole best candidate of both sides. An Entra user stands in at "
    "most one row, an AD user in at most one per tenant.",
)

pair = Table(
    "pair",
    metadata,
    Column("ad_row_id", Integer, primary_key=True, autoincrement=False),
    Column("entra_row_id", Integer, primary_key=True, autoincrement=False),
    _id("ad_source_id"),
    _id("entra_source_id"),
    _id("rule_number"),
    _id("rules_agreeing"),
    *(sql_column(f"ad_{name}", kind, size) for name, kind, size in PAIR_AD_COLUMNS),
    *(sql_column(f"entra_{name}", kind, size) for name, kind, size in PAIR_ENTRA_COLUMNS),
    _flag("is_in_skew"),
    Index("pair_entra", "entra_row_id", unique=True),
    # members name the objects by these
    Index("pair_ad_dn_key", "ad_dn_key"),
    Index("pair_entra_id", "entra_id"),
    comment="One row per accepted match, with the compared columns of both sides.",
)

group_pair = Table(
    "group_pair",
    metadata,
    Column("ad_row_id", Integer, primary_key=True, autoincrement=False),
    Column("entra_row_id", Integer, primary_key=True, autoincrement=False),
    _id("ad_source_id"),
    _id("entra_source_id"),
    sql_column("ad_guid", "key", 36, nullable=False),
    sql_column("ad_dn_key", "key", 850),
    sql_column("entra_id", "key", 36, nullable=False),
    sql_column("entra_displayname", "text", 256),
    _flag("is_in_skew"),
    Index("group_pair_ad_guid", "ad_guid", "ad_source_id"),
    Index("group_pair_ad_dn_key", "ad_dn_key"),
    Index("group_pair_entra_id", "entra_id", "entra_source_id"),
    comment="One row per AD group and synced Entra group of linked sources with the same SID.",
)

worker_match = Table(
    "worker_match",
    metadata,
    Column("worker_row_id", Integer, primary_key=True, autoincrement=False),
    _id("worker_source_id"),
    sql_column("employeeid_key", "key", 64),
    _id("worker_count"),
    _id("ad_count"),
    _id("ad_row_id", nullable=True),
    _id("entra_count"),
    _id("entra_guest_count"),
    _id("entra_row_id", nullable=True),
    _id("pair_count"),
    _flag("is_pair"),
    _flag("is_complete"),
    Index("worker_match_ad", "ad_row_id"),
    Index("worker_match_entra", "entra_row_id"),
    Index("worker_match_employeeid", "employeeid_key"),
    comment="One row per worker: the accounts of the linked directories that carry the worker's employee "
    "id. A row id stands only where the count is 1; is_pair: both accounts are matched with each other; "
    "is_complete: every linked directory has been loaded.",
)

leaver = Table(
    "leaver",
    metadata,
    Column("worker_row_id", Integer, primary_key=True, autoincrement=False),
    _id("source_id"),
    sql_column("employeeid_key", "key", 64, nullable=False),
    sql_column("hr_value", "text", 64),
    Index("leaver_employeeid", "employeeid_key"),
    comment="One row per worker who has left and was not hired again, whose id no other active worker holds.",
)

privileged_account = Table(
    "privileged_account",
    metadata,
    sql_column("object_type", "key", 16, nullable=False),
    _id("source_id"),
    _id("account_row_id"),
    sql_column("object_key", "key", 36, nullable=False),
    sql_column("reason", "key", 32, nullable=False),
    sql_column("holder_key", "text", 36, nullable=False),  # shown for a name: SQL Server mixes no collations
    sql_column("holder_name", "text", 256),
    _id("holder_rid", nullable=True),
    _id("depth"),
    _flag("is_primary_group"),
    _flag("is_eligible"),
    _flag("is_refused"),
    _id("admincount", nullable=True),
    Index("privileged_account_row", "account_row_id", "object_type"),
    comment="One row per account (ad_user, ad_computer, entra_user) and what makes it privileged: reason is AD group, "
    "directory role, role-assignable group or owner of role-assignable group, holder that group or role. "
    "depth: 1 direct, more through nesting; "
    "is_primary_group: the shortest way is its primary group; is_refused: Graph refuses an application without a "
    "directory role to write the user's otherMails.",
)

finding_row = Table(
    "finding_row",
    metadata,
    Column("finding_row_id", Integer, Identity(), primary_key=True),
    _id("refresh_id"),
    sql_column("code", "key", 64, nullable=False),
    sql_column("severity", "key", 16, nullable=False),
    sql_column("object_type", "key", 32, nullable=False),
    sql_column("object_key", "key", 450),
    sql_column("object_name", "text", 1024),
    sql_column("attribute", "key", 128),
    sql_column("detail", "text"),  # what tells several rows of one object and attribute apart
    sql_column("hr_value", "text"),
    sql_column("ad_value", "text"),
    sql_column("entra_value", "text"),
    _flag("is_personal"),
    Index("finding_row_code", "code", "object_key"),
    comment="One row per object of a finding (its grain stands in its meaning), of the last refresh.",
)

finding_count = Table(
    "finding_count",
    metadata,
    Column("refresh_id", Integer, primary_key=True, autoincrement=False),
    sql_column("code", "key", 64, primary_key=True),
    sql_column("severity", "key", 16, nullable=False),
    sql_column("family", "key", 32),
    sql_column("title", "text", 256, nullable=False),
    _id("row_count"),
    _id("accepted_count", nullable=True),
    _id("new_count", nullable=True),
    _id("gone_count", nullable=True),
    sql_column("refreshed_at", "time", nullable=False),
    comment="One row per finding of each refresh: how many rows it had, how many of them are accepted or new, and how "
    "many rows of the refresh before are gone (NULL where there is none).",
)

clock = Table(
    "clock",
    metadata,
    Column("clock_id", Integer, primary_key=True, autoincrement=False),
    _id("refresh_id"),
    sql_column("refreshed_at", "time", nullable=False),
    sql_column("as_of", "time", nullable=False),
    sql_column("as_of_date", "date"),
    sql_column("as_of_day", "day", nullable=False),
    sql_column("as_of_filetime", "bigint"),
    sql_column("stale_before_day", "day", nullable=False),
    sql_column("stale_before_at", "time"),  # the beginning of that day
    sql_column("leaver_before_day", "day", nullable=False),
    sql_column("joiner_until_day", "day", nullable=False),
    sql_column("held_mail_since_day", "day", nullable=False),
    comment="One row: the instant the findings speak of (the newest good load) and the days counted from it.",
)

# emptied and filled by a refresh, in this order
FILLED: tuple[Table, ...] = (
    match_crowd,
    match_candidate,
    user_match,
    pair,
    group_pair,
    worker_match,
    leaver,
    privileged_account,
)
