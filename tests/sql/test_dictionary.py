"""The dictionary: every table and column of the database is in it, with a meaning; the page and the rows agree."""

from collections import Counter

import pytest
from sqlalchemy import inspect, text

from recon import deploy, dictionary
from recon.catalog import read_catalog
from recon.dictionary_views import _OWN, view_entries


def test_every_column_has_a_meaning():
    entries = [*dictionary.column_entries(), *view_entries(deploy.views(read_catalog()))]
    unexplained = [f"{each.table_name}.{each.column_name}" for each in entries if not each.meaning]
    assert unexplained == [], "say it in recon/objects.py (a note) or in recon/dictionary.py"


def test_no_meaning_is_left_over():
    names = {each.column_name for each in dictionary.column_entries()}
    names |= {f"{each.table_name}.{each.column_name}" for each in dictionary.column_entries()}
    assert dictionary.MEANINGS.keys() - names == set()


def test_no_meaning_of_a_views_column_is_left_over():
    entries = list(view_entries(deploy.views(read_catalog())))
    said = {each.meaning for each in entries}
    flags = {name for name in _OWN if name.startswith(("uac_", "computed_"))}
    assert {name for name in _OWN.keys() - flags if _OWN[name][1] not in said} == set()
    (mail,) = (
        each for each in entries if (each.table_name, each.column_name) == ("worker_decoded", "personal_mail_masked")
    )
    assert (mail.meaning, mail.is_personal) == ("private mail address with its names hidden", 0)
    (flag,) = (each for each in entries if (each.table_name, each.column_name) == ("ad_user_decoded", "uac_script"))
    assert (flag.type, flag.meaning, flag.decoded) == ("flag", "SCRIPT of userAccountControl", "0 or 1")


def test_every_table_and_view_says_what_it_holds():
    entries = list(dictionary.table_entries(deploy.views(read_catalog())))
    assert [each.table_name for each in entries if len(each.meaning) < 15] == []
    assert max(Counter(each.table_name for each in entries).values()) == 1


def test_the_database_holds_it_for_every_table_and_column(store):
    deploy.install(store)
    with store.read() as connection:
        looked = inspect(connection)
        names = (*looked.get_table_names(), *looked.get_view_names())
        there = {(name, column["name"]) for name in names for column in looked.get_columns(name)}
        said = {
            tuple(row)
            for row in connection.execute(text("select table_name, column_name from dictionary_column")).all()
        }
        views = set(connection.execute(text("select table_name from dictionary_table where kind = 'view'")).scalars())
        row = connection.execute(
            text("select * from dictionary_column where table_name = 'ad_user' and column_name = 'useraccountcontrol'")
        ).one()
    assert said == there
    assert views == set(looked_views(store))
    assert (row.attribute, row.type, row.is_personal, row.null_means) == (
        "userAccountControl", "int", 0, "no value, or the reading account may not see it",
    )  # fmt: skip


def looked_views(store):
    with store.read() as connection:
        return inspect(connection).get_view_names()


@pytest.mark.parametrize("name", ["personal_mail", "personal_mail_key"])
def test_personal_columns_are_marked(name):
    (entry,) = (each for each in dictionary.column_entries() if (each.table_name, each.column_name) == ("worker", name))
    assert entry.is_personal == 1
