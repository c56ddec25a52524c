"""The bulk insert of SQL Server: one JSON document, and no type that cuts a value in silence."""

import os

import pytest
from sqlalchemy.dialects import mssql

from recon.store.bulk import openjson_statement
from recon.store.stage import Stage

DIALECT = mssql.dialect()  # type: ignore[no-untyped-call]


def test_text_is_never_declared_with_a_width_and_bytes_travel_as_hexadecimal():
    statement = openjson_statement(Stage("ad_user", "mssql").table, DIALECT)
    assert statement.startswith("insert into #stage_ad_user (seq, guid, objectguid,")
    assert "convert(VARBINARY(16), c2, 2)" in statement
    assert "nvarchar(max) '$[1]'" in statement
    assert "nvarchar(4000)" not in statement.lower()
    assert statement.count("?") == 1


@pytest.mark.skipif(not os.environ.get("RECON_TEST_MSSQL_URL"), reason="RECON_TEST_MSSQL_URL is not set")
def test_rows_reach_sql_server_unchanged():
    from recon.objects import ReadReport
    from recon.store import Store
    from recon.store.load import Load
    from recon.store.runs import register_source
    from recon.store.tables import LOADED
    from tests.support.rows import make_row

    with Store.open(os.environ["RECON_TEST_MSSQL_URL"]) as store:
        source_id = register_source(store, "ad", "bulk test", "corp.example")
        with Load(store, source_id, "bulk test", ("ad_user",)) as load:
            load.add(
                make_row("ad_user", guid="g1", cn="Łódź é中😀 '", objectsid=b"\x01\x00\xff", useraccountcontrol=514)
            )
            load.publish(ReadReport())
        table = LOADED["ad_user"]
        with store.read() as connection:
            row = connection.execute(
                table.select().where(table.c.source_id == source_id).with_only_columns(table.c.cn, table.c.objectsid)
            ).one()
        assert tuple(row) == ("Łódź é中😀 '", b"\x01\x00\xff")
