"""The data dictionary as rows: what every table, view and column means, how it is decoded, what NULL says.

Taken from recon.objects, the tables of the store and the headers of the catalogue; what those cannot say stands in
the texts below, by column name, or by table and column. The suite fails when a column has no meaning. recon.deploy
writes the rows into dictionary_table and dictionary_column, and sql/deploy/dictionary.md. Long, because it is texts.
"""

from collections.abc import Iterator
from typing import NamedTuple

import sqlalchemy
from sqlalchemy import Column, Integer, SmallInteger, Table

from recon import objects
from recon.catalog import Statement
from recon.store.tables import HISTORY, LOADED, metadata, sql_column

FIRST = "0.1.0"  # the version that brought a table or column, where _SINCE does not say otherwise
_SINCE: dict[str, str] = {}  # table, or table.column: a later version

dictionary_table = Table(
    "dictionary_table",
    metadata,
    sql_column("table_name", "key", 128, primary_key=True),
    sql_column("kind", "key", 16, nullable=False),
    sql_column("meaning", "text", nullable=False),
    sql_column("history_of", "key", 128),
    sql_column("since", "text", 16, nullable=False),
    comment="One row per table and view of this database: what it holds and what one row is.",
)

dictionary_column = Table(
    "dictionary_column",
    metadata,
    sql_column("table_name", "key", 128, primary_key=True),
    sql_column("column_name", "key", 128, primary_key=True),
    Column("position", Integer, nullable=False),
    sql_column("type", "text", 32, nullable=False),
    sql_column("attribute", "text", 128),
    sql_column("meaning", "text", nullable=False),
    sql_column("decoded", "text"),
    sql_column("null_means", "text", nullable=False),
    Column("is_personal", SmallInteger, nullable=False),
    sql_column("since", "text", 16, nullable=False),
    comment="One row per column of every table and view (a history table has its table's, and from_run, to_run).",
)


class TableEntry(NamedTuple):
    """One row of dictionary_table."""

    table_name: str
    kind: str  # loaded, history, derived, reference, store, view
    meaning: str
    history_of: str | None
    since: str


class ColumnEntry(NamedTuple):
    """One row of dictionary_column. `type`: one of recon.objects, or the engine's for the store's own columns."""

    table_name: str
    column_name: str
    position: int
    type: str
    attribute: str | None
    meaning: str
    decoded: str | None
    null_means: str
    is_personal: int
    since: str


# column, or table.column: what it means. What is not here is said in recon.objects, or follows from the name.
MEANINGS = {
    name.strip(): meaning.strip()
    for name, _, meaning in (
        line.partition(":")
        for line in """
row_id: narrow number of the object while it stands, never used twice; what match tables join on
source_id: the domain, tenant or HR system it comes from (table source)
run_id: the load that brought the row as it stands (table load_run)
row_hash: changes when a value or child value changes, volatile columns aside
loaded_at: when the row was published as it stands
guid: objectGUID of the object
id: object id of the object
position: place of the value among those of the object, from 0
value: the value as the source has it
attribute: the attribute, in lower case without hyphens
prefix: what stands before the colon of an address, as written: SMTP is the primary one
address: what stands behind the colon
defect: what is wrong with the value (docs/value-defects.md)
sid: SID as S-1-… text
is_synced: onPremisesSyncEnabled is true
upn_suffix: folded part of userPrincipalName behind the last @
member_id: object id of the member
owner_id: object id of the owner
member_key: folded distinguished name of the member
onpremises_dn_key: onPremisesDistinguishedName folded as distinguished names are
onpremises_upn_key: onPremisesUserPrincipalName folded
prior_id: an earlier employee id of the worker
prior_id_key: the same through the configured normaliser and folded
worker_id: the worker's id in the HR system
employeeid_key: employee id through the configured normaliser and folded
user_id: the worker's sign-in name, as HR has it
first_name: given name, as HR has it
last_name: family name, as HR has it
display_name: full name, as HR has it
worker_type: for example Employee or Contingent, as HR writes it
worker_status: status as HR writes it
hire_date: hire date, in the worker's own zone
original_hire_date: first hire date of somebody hired again
termination_date: last day, in the worker's own zone
personal_mail: private mail address
personal_mail_masked: private mail address with its names hidden
work_mail: mail address at work, as HR has it
company: legal entity, as HR has it
department: department, as HR has it
cost_center: cost centre, as HR has it
job_title: job title, as HR has it
location: work place, as HR has it
manager_id: worker id of the manager
signintype: kind of identity: userPrincipalName, federated, emailAddress …
issuer: who issued the identity
issuerassignedid: the name that issuer gave
skuid: id of the licence
category: kind of the synchronization error
propertycausingerror: attribute that causes it
occurreddatetime: when it was found
value_masked: the value with its names hidden
clock.clock_id: always 1
refresh_id: number of the refresh, from 1
refreshed_at: when the refresh ran
as_of: the instant the findings speak of: when the newest good load ended
as_of_day: the day of as_of
stale_before_day: a sign-in before this day is stale (setting stale_days)
stale_before_at: the beginning of that day
leaver_before_day: a termination date before this day is a leaver (setting leaver_grace_days)
joiner_until_day: a hire date up to this day is a joiner (setting joiner_days)
held_mail_since_day: a private address that changed since this day is held (setting held_mail_days)
country.code: ISO 3166-1 alpha-2 code
finding_row_id: number of the row
code: code of the finding: file sql/findings/<code>.sql
severity: critical, high, medium, low or info
family: family of the finding
title: title of the finding
row_count: rows it had
object_type: table of the object
object_key: key of the object: guid, id or worker id
object_name: a name for people
hr_value: what HR has
ad_value: what Active Directory has
entra_value: what Entra ID has
is_personal: 1: the values are personal data and masked in view finding
bit: place of the bit, from 0
value_int: the value as a number
note: what it is for
name: its name
uac_flag.is_computed: 1: proves something in msDS-User-Account-Control-Computed alone
well_known_sid.kind: universal, builtin, or domain (stands behind a domain's own SID)
rid: last number of the SID, of kind domain
reason: why
detail: what tells several rows of one object and attribute apart
load_reject.detail: the reason for people
source_row: record number in the file, the header is 1
load_reject.object_key: what names the record, where it has a name
status: running, published, failed or refused
started_at: when the load began
finished_at: when it ended
tool_version: version of recon
load_run.schema_version: version of the tables
schema_version.version: version of the tables
installed_at: when they were installed
requests: requests sent to the source
bytes_read: bytes received from it
is_increment: 1: only changes were read; 0: everything
watermark: where the next increment begins: uSN, cookie or delta link
error: why it was not published
table_name: the table
column_name: the column
filter: what was asked for: LDAP filter, Graph path or file
pages: pages read
rows_read: rows read, duplicates included
rows_published: rows of this source in the table afterwards
inserted: rows that are new
changed: rows that differ
deleted: rows that went
server_count: the server's own count, where it has one
duplicates: rows that stood twice in the answer
rejected: rows that were read and not published (table load_reject)
fingerprint: sum of the row hashes of the loaded set
accepted: refusals that this load was told to let pass: table=rows (--accept-rows), table.column=filled (--accept-fill)
verified_at: when recon load --verify held the table against this load
is_intact: 1: it was what was loaded; 0: it was not
ad_row_id: row_id in ad_user
entra_row_id: row_id in entra_user
worker_row_id: row_id in worker
ad_source_id: source of the AD side
entra_source_id: source of the Entra side
worker_source_id: source of the worker
rule_number: lowest rule that joins the two: 1 anchor, 2 SID, 3 employee id, 4 UPN, 5 mail
rules_agreeing: how many rules join them
has_anchor: 1: the source anchor joins them
has_sid: 1: the SID joins them
has_employeeid: 1: the employee id joins them
has_upn: 1: the UPN joins them
has_mail: 1: the mail address joins them
place_for_ad: rank of this candidate among those of the AD user, from 1
ties_for_ad: candidates of the AD user on that rank
place_for_entra: rank among those of the Entra user, from 1
ties_for_entra: candidates of the Entra user on that rank
is_accepted: 1: the sole best of both sides, so it stands in user_match
match_candidate.reason: why it was accepted or not
key_value: the key that too many users hold
holders: how many users hold it
runner_up_entra_row_id: second best candidate of the AD user
runner_up_ad_row_id: second best candidate of the Entra user
runner_up_rule: rule that joins the runner-up
leaver.hr_value: the termination date, or the status where there is none
group_pair.ad_row_id: row_id in ad_group
group_pair.entra_row_id: row_id in entra_group
group_pair.ad_guid: guid of the AD group
group_pair.ad_dn_key: folded distinguished name of the AD group, as members name it
group_pair.entra_id: id of the Entra group
group_pair.entra_displayname: name of the Entra group
is_in_skew: 1: changed too close to the loads to be compared
worker_count: workers with this employee id in linked HR systems
ad_count: AD users that carry it
entra_count: Entra users that carry it, guests aside
entra_guest_count: guests that carry it
pair_count: accepted matches among those accounts
is_pair: 1: both accounts are matched with each other
is_complete: 1: every linked directory has been loaded
source.kind: ad, entra or workers
source.name: name in recon.toml
source.domain: DNS name of the domain, or tenant id
load_started_at: when its last published load began
load_finished_at: when it ended
change_cutoff_at: changes after this are not held against the other side (setting sync_grace_minutes)
history_run: the oldest load that its history reaches back to
link_id: number of the link
dictionary_table.kind: loaded, history, derived (made by a refresh), reference, store or view
meaning: what it holds
history_of: the table whose earlier versions it holds
since: version of recon that brought it
dictionary_column.position: place in the table, from 1
dictionary_column.type: kind of value (sql/deploy/dictionary.md explains them)
dictionary_column.attribute: attribute of the source that it carries
decoded: how the value is to be read
null_means: what NULL says
dictionary_column.is_personal: 1: personal data
plan: hash of the plan
item_number: place of the item in the plan, from 1
object_id: object id of the user in Entra ID
backfill_item.userprincipalname: UPN when the plan was made
worker_source: HR system of the worker
backfill_item.employee_id: employee id in Entra ID when the plan was made
before_masked: value before, masked
after_masked: value to be written, masked
outcome: done, skipped, failed, in_doubt (sent, no answer known) or open
backfill_item.status: HTTP status of the last answer
backfill_item.code: error code of the last answer
client_request_id: our id of the request
request_id: Graph's id of the request
attempts: how often it was sent
window_ms: milliseconds between re-read and answer to the write (bulk upload: until the outcome was known)
verdict: what the last verification found
backfill_plan.kind: fill or undo
way: patch, or bulk-upload to a provisioning job
undoes: hash of the plan that this one takes back
tenant_id: tenant the plan is for
scope_name: name of the scope
item_count: items of the plan
run_count: how often apply was called
window_median_ms: median of window_ms
window_longest_ms: longest window_ms
bulk_upload_hour.hour: beginning of the hour, UTC
calls: bulk upload requests sent in it
journal_chain: hash over the journal's lines, for evidence
subject: subject of the certificate
not_after: when the certificate ends
dns_name: DNS name of the domain
depth: how many memberships lie between: 1 is direct
clock.as_of_date: the day of as_of as a date
as_of_filetime: as_of in 100 ns since 1601
made_of: state of the memberships that the closure was made of
closure_state.max_depth: deepest nesting found
address_pattern: pattern for LIKE … ESCAPE '!' that every address of the domain fits
owner: who answers for the group
contact: how to reach them
member_type: kind of the member: user, group, device …
owner_type: kind of the owner
acceptance_id: number of the acceptance
accepted_until: last day on which it holds; afterwards the finding is open again
accepted_by: who accepted it
why: the reason given
accepted_count: rows that are accepted
new_count: rows that the refresh before did not have
gone_count: rows of the refresh before that are gone
first_refresh: the refresh that found it first
gone_refresh: the first refresh that did not find it any more
lifecycle_date.kind: hire or leave
content: what the value seems to be: date, mail or text
is_valid: 1: has the form that synchronization takes
proposed: the value to write instead, where nobody need guess
advice: the value, why it is refused, and what to write
lifecycle_date.at: the instant it names, where it is valid
what: what differs: missing, left over or changed
seconds: how long the load took
watermark_from: the watermark that the increment began at
basis: digest of what the rows depend on: configuration, tables, version
account_row_id: row_id of the account
holder_name: the group or role that gives the privilege
holder_rid: last number of that group's SID
is_primary_group: 1: no way is as short as the one through its primary group
is_eligible: 1: may activate the role; 0: holds it
is_refused: 1: Graph refuses an application without a directory role to write the user's otherMails
privileged_account.admincount: adminCount of the account
policy_id: always 1
email_method: 1: e-mail is a method for password reset
methods_required: how many methods a reset takes
password_writeback: 1: a reset reaches Active Directory
is_for_everybody: 1: everybody may reset; 0: the members of the group
group_id: object id of that group
""".strip().splitlines()
    )
}
HISTORY_COLUMNS = (
    ("from_run", "the load that brought this version"),
    ("to_run", "the load that replaced or removed it"),
)
_HISTORIES = frozenset(table.name for table in HISTORY.values())
_DECODED = {
    "useraccountcontrol": "bit flags, table uac_flag; (useraccountcontrol & 2) = 2 is disabled",
    "msdsuseraccountcontrolcomputed": "bit flags, table uac_flag; & 16 locked out, & 8388608 password expired",
    "grouptype": "signed bit flags, table group_type_flag; below 0 is a security group",
    "samaccounttype": "table sam_account_type",
    "objectsid": "SID bytes; text stands in sid, or sid_text()",
    "objectguid": "GUID bytes, little-endian; text stands in guid, or guid_text()",
    "pwdlastset": "FILETIME; 0: must change at next sign-in",
    "lastlogontimestamp": "FILETIME, replicated up to 14 days late",
    "accountexpires": "FILETIME; 0 and 9223372036854775807: never",
    "lockouttime": "FILETIME; 0: not locked",
}
BY_TYPE = {
    "key": "folded: NFC, case-folded, trimmed; the only thing compared",
    "anchor": "base64, byte-exact: never folded",
    "flag": "0 or 1",
    "time": "UTC",
    "day": "days since 1970-01-01",
    "bytes": "raw bytes",
}
_KINDS = {"int": "int", "integer": "int", "biginteger": "bigint", "smallinteger": "flag", "timetext": "time"}


def _shown_type(column: sqlalchemy.Column[object], its: objects.Column | None) -> str:
    if its is not None:
        return its.type + (f"({its.size})" if its.size else "")
    name = type(column.type).__name__.lower()
    return _KINDS.get(name, name)


def _meaning(table: str, name: str, its: objects.Column | None) -> str:
    """What a column means; '' when nothing says it."""
    if its is not None and its.note:
        return its.note
    found = MEANINGS.get(f"{table}.{name}") or MEANINGS.get(name)
    if found:
        return found
    if its is not None and its.attribute:
        return f"{its.attribute} as the source has it"
    for ending, what in (("_key", "folded"), ("_day", "as a day number"), ("_at", "as a time")):
        if name.endswith(ending):
            return f"{name.removesuffix(ending)} {what}"
    for side, whose in (("ad_", "of the AD user"), ("entra_", "of the Entra user")):
        if table == "pair" and name.startswith(side):
            return f"{name.removeprefix(side)} {whose}"
    return ""


def _null_means(column: sqlalchemy.Column[object], its: objects.Column | None) -> str:
    if not column.nullable:
        return "never NULL"
    if its is not None and its.attribute:
        return "no value, or the reading account may not see it"
    return "no value, or none that could be derived"


def since(table: str, column: str) -> str:
    """The version that brought a column."""
    return _SINCE.get(f"{table}.{column}") or _SINCE.get(table, FIRST)


def column_entries() -> Iterator[ColumnEntry]:
    """Every column of every table, history aside, in order; no meaning where nothing says it (the suite fails then)."""
    for table in metadata.sorted_tables:
        if table.name in _HISTORIES:
            continue
        known = objects.TABLES.get(table.name)
        described = {column.name: column for column in known.columns} if known else {}
        for position, column in enumerate(table.columns, 1):
            its = described.get(column.name)
            meaning = _meaning(table.name, column.name, its)
            kind = _shown_type(column, its)
            yield ColumnEntry(
                table.name,
                column.name,
                position,
                kind,
                its.attribute if its else None,
                meaning,
                _DECODED.get(column.name) or BY_TYPE.get(kind.partition("(")[0]),
                _null_means(column, its),
                int(its is not None and its.personal),
                since(table.name, column.name),
            )


def _kind(name: str) -> str:
    from recon.store.match_tables import FILLED, clock, finding_count, finding_row
    from recon.store.reference_tables import REFERENCE

    if name in LOADED:
        return "loaded"
    if name in _HISTORIES:
        return "history"
    if name in {table.name for table in (*FILLED, clock, finding_count, finding_row)}:
        return "derived"
    return "reference" if name in {table.name for table in REFERENCE} else "store"


def table_entries(views: list[tuple[str, Statement]]) -> Iterator[TableEntry]:
    """Every table and view. `views`: name and statement, as recon.deploy installs them."""
    for table in metadata.sorted_tables:
        kind = _kind(table.name)
        owner = table.name.removesuffix("_history") if kind == "history" else None
        yield TableEntry(table.name, kind, table.comment or "", owner, _SINCE.get(owner or table.name, FIRST))
    for name, statement in views:
        yield TableEntry(name, "view", f"{statement.title}: {statement.meaning}", None, _SINCE.get(name, FIRST))
