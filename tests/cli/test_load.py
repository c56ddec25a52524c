"""`recon load`: what is said about overrides, and `--verify`."""

import csv
import io

import pytest
from sqlalchemy import update

from recon.cli.main import run
from recon.objects import ReadReport
from recon.store import Store
from recon.store.load import Load
from recon.store.runs import register_source
from recon.store.tables import LOADED
from tests.support.rows import make_row


@pytest.fixture
def recon(tmp_path, capsys):
    (tmp_path / "recon.toml").write_text('[database]\nurl = "sqlite:///recon.db"\n[ad]\nldif = "x.ldif"\n', "utf-8")
    with Store.open(f"sqlite:///{tmp_path}/recon.db") as store:
        source_id = register_source(store, "ad", "ad", "contoso.example")
        with Load(store, source_id, "ad", ("ad_user", "ad_user_proxyaddress")) as load:
            load.add(make_row("ad_user", guid="g1", cn="Ana"))
            load.publish(ReadReport())

    def call(*arguments: str) -> tuple[int, list[dict[str, str]], str]:
        try:
            run(["--config", str(tmp_path / "recon.toml"), *arguments])
            code = 0
        except SystemExit as ended:
            code = int(ended.code or 0)
        streams = capsys.readouterr()
        return code, list(csv.DictReader(io.StringIO(streams.out))), streams.err

    return call


def test_verify_says_of_each_table_whether_it_holds(recon, tmp_path):
    code, rows, _ = recon("load", "--verify", "--format", "csv")
    assert (code, [(row["table"], row["intact"]) for row in rows]) == (0, [("ad_user", "yes")])
    with Store.open(f"sqlite:///{tmp_path}/recon.db") as store, store.write() as connection:
        connection.execute(update(LOADED["ad_user"]).values(cn="edited"))
    code, rows, said = recon("load", "--verify", "--format", "csv")
    assert (code, [(row["table"], row["intact"]) for row in rows]) == (1, [("ad_user", "NO")])
    assert "not what was loaded: ad_user of ad" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("load", "--verify", "ad"), "--verify stands alone"),
        (("load", "--format", "csv"), "say what to load"),
        (("load", "ad", "--accept-fill", "ad_user.cn"), "--accept-fill ad_user.cn: not TABLE.COLUMN=N"),
        (("load", "ad", "--accept-fill", "ad_user.cn=x"), "not TABLE.COLUMN=N"),
        (("load", "ad", "--accept-fill", "cn=0"), "not TABLE.COLUMN=N"),
        (("load", "ad", "--accept-fill", "ad_usr.cn=0"), "not TABLE.COLUMN=N"),
        (("load", "ad", "--accept-rows", "ad_usr=0"), "--accept-rows ad_usr=0: not TABLE=N"),
        (("load", "ad", "--accept-rows", "ad_user.cn=0"), "not TABLE=N"),
        (("load", "ad", "--accept-rows", "-1"), "--accept-rows -1: not TABLE=N"),
    ],
)
def test_what_cannot_be_meant_is_refused(recon, arguments, said):
    code, rows, err = recon(*arguments)
    assert (code, rows) == (2, [])
    assert said in err
