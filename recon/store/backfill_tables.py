"""What became of backfill plans, derived from their journals, which are the truth: for SQL and for reports.

Addresses stand here masked; the plain values are in the journals alone. Every row can be made again, but for the count
of bulk uploads.
"""

from sqlalchemy import Column, Float, Index, Integer, Table

from recon.store.tables import metadata, sql_column

backfill_plan = Table(
    "backfill_plan",
    metadata,
    sql_column("plan", "key", 64, primary_key=True),
    sql_column("kind", "key", 16, nullable=False),
    sql_column("undoes", "key", 64),
    sql_column("way", "key", 16),
    sql_column("tenant_id", "key", 64, nullable=False),
    sql_column("scope_name", "key", 128),
    sql_column("created_at", "time", nullable=False),
    sql_column("expires_at", "time", nullable=False),
    Column("item_count", Integer, nullable=False),
    Column("run_count", Integer, nullable=False),
    Column("window_median_ms", Float),
    Column("window_longest_ms", Float),
    sql_column("journal_chain", "key", 64),
    sql_column("derived_at", "time", nullable=False),
    comment="One row per backfill plan that was applied, derived from its journal: the window is the time between "
    "sending a re-read and the answer to its write.",
)

backfill_item = Table(
    "backfill_item",
    metadata,
    sql_column("plan", "key", 64, primary_key=True),
    Column("item_number", Integer, primary_key=True, autoincrement=False),
    sql_column("object_id", "key", 36, nullable=False),
    sql_column("userprincipalname", "text", 1024),
    sql_column("worker_source", "key", 128),
    sql_column("worker_id", "key", 128),
    sql_column("employee_id", "key", 128),
    sql_column("attribute", "key", 256, nullable=False),
    sql_column("before_masked", "text"),
    sql_column("after_masked", "text"),
    sql_column("outcome", "key", 16, nullable=False),
    sql_column("reason", "key", 64),
    Column("status", Integer),
    sql_column("code", "key", 128),
    sql_column("client_request_id", "key", 64),
    sql_column("request_id", "key", 64),
    Column("attempts", Integer, nullable=False),
    Column("window_ms", Float),
    sql_column("intent_at", "time"),
    sql_column("outcome_at", "time"),
    sql_column("verdict", "key", 16),
    sql_column("verified_at", "time"),
    Index("backfill_item_object", "object_id"),
    comment="One row per item of a backfill plan that was applied, derived from its journal. outcome: done, skipped, "
    "failed, in_doubt (sent, no answer known) or open; verdict: what the last verification found.",
)
bulk_upload_hour = Table(
    "bulk_upload_hour",
    metadata,
    sql_column("tenant_id", "key", 64, primary_key=True),
    sql_column("hour", "time", primary_key=True),
    Column("calls", Integer, nullable=False),
    comment="One row per tenant and hour (UTC) of the last two days in which bulk uploads were sent: a tenant takes a "
    "number of them in 24 hours. Counted before the request goes out.",
)
DERIVED: tuple[Table, ...] = (backfill_plan, backfill_item)  # from the journals
BACKFILL: tuple[Table, ...] = (*DERIVED, bulk_upload_hour)
