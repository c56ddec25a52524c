"""recon.open: the database in a notebook."""

import pandas as pd
import pytest

import recon
from recon.errors import UsageError
from recon.store import Store
from tests.support.estate import Estate
from tests.support.site import invoke


@pytest.fixture
def site(tmp_path):
    (tmp_path / "recon.toml").write_text('[database]\nurl = "sqlite:///recon.db"\n', encoding="utf-8")
    with Store.open(f"sqlite:///{tmp_path}/recon.db") as store:
        estate = Estate(store)
        estate.worker("E1", personal_mail="jane.doe@home.example")
        estate.entra(id="user-1", employeeid="E1", userprincipalname="jane@example.com")
    assert invoke("--config", tmp_path / "recon.toml", "refresh").code == 0
    with recon.open(tmp_path / "recon.toml") as opened:
        yield opened


def test_a_query_with_its_parameter(site):
    frame = site.frame("one_person", who="JANE@example.com")
    assert isinstance(frame, pd.DataFrame)
    assert list(frame["record_key"]) == ["E1", "user-1"]


def test_a_finding_is_masked_unless_told(site):
    assert list(site.frame("othermails_missing")["hr_value"]) == ["j***@h***.example"]
    assert list(site.frame("othermails_missing", unmask=True)["hr_value"]) == ["jane.doe@home.example"]


def test_a_table_a_view_and_plain_sql(site):
    assert list(site.frame("worker")["worker_id"]) == ["E1"]
    assert list(site.frame("entra_user_decoded")["id"]) == ["user-1"]
    assert site.sql("select id from entra_user where employeeid = :id", id="E1").values.tolist() == [["user-1"]]
    assert site.sql("select id from entra_user where employeeid = :id", id="E'1").empty


def test_what_does_not_exist(site):
    with pytest.raises(UsageError, match="no statement is called othermails_mising"):
        site.frame("othermails_mising")
    with pytest.raises(UsageError, match="table worker takes no parameters"):
        site.frame("worker", who="x")
    with pytest.raises(UsageError, match="one_person needs the parameter who"):
        site.frame("one_person", who=None)
    with pytest.raises(UsageError, match="one_person has no parameter whom"):
        site.frame("one_person", whom="x", who="x")
