"""recon.toml: what holds is frozen, what does not is one line with file, key and reason."""

import os
from pathlib import Path

import pytest

from recon.config import Config, WorkerSource, load_config
from recon.decode.times import date_text
from recon.errors import ConfigError, UsageError


def write(folder: Path, text: str) -> Path:
    path = folder / "recon.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refused(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(write(folder, text))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_one_table_and_several_are_both_fine(tmp_path):
    one = load_config(write(tmp_path, '[ad]\nurl = "ldap://dc1.contoso.example"\n'))
    assert [source.name for source in one.ad] == ["ad"]
    two = load_config(write(tmp_path, '[[ad]]\nname = "a"\nurl = "ldap://x"\n[[ad]]\nname = "b"\nldif = "b.ldif"\n'))
    assert [source.name for source in two.ad] == ["a", "b"]


def test_paths_start_at_the_file(tmp_path):
    config = load_config(write(tmp_path, '[database]\nurl = "sqlite:///x.db"\n'))
    assert config.database_url == f"sqlite:///{tmp_path}/x.db"
    assert config.path(Path("a/b")) == tmp_path / "a" / "b"


def test_an_absolute_path_stays(tmp_path):
    config = load_config(write(tmp_path, '[database]\nurl = "sqlite:////var/lib/x.db"\n'))
    assert config.database_url == "sqlite:////var/lib/x.db"


def test_a_sqlite_path_of_nobody(tmp_path):
    config = load_config(write(tmp_path, '[database]\nurl = "sqlite:///~nosuchuser/x.db"\n'))
    with pytest.raises(ConfigError, match="no home folder is known for ~nosuchuser"):
        _ = config.database_url


def test_the_environment_names_another_database(tmp_path, monkeypatch):
    monkeypatch.setenv("RECON_DATABASE_URL", "postgresql+psycopg://u@h/d")
    assert load_config(write(tmp_path, "")).database_url == "postgresql+psycopg://u@h/d"


def test_no_file(tmp_path):
    with pytest.raises(UsageError, match="no configuration file"):
        load_config(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[ad\n", "not valid TOML"),
        ("[nonsense]\n", "nonsense: unknown key"),
        ('[ad]\nurl = "ldap://x"\npasword_env = "X"\n', "ad.0.pasword_env: unknown key"),
        ("[ad]\n", "give either url or ldif"),
        ('[ad]\nurl = "http://x"\n', "url must be ldap://HOST or ldaps://HOST"),
        ('[ad]\nurl = "ldap://u:p@x"\n', "no user or password in the url"),
        ('[ad]\nurl = "ldap://x"\nuser = "u"\ntls = "none"\n', "without TLS sends the password in clear"),
        ("[entra]\n", "give tenant_id"),
        ('[entra]\ntenant_id = "t"\ngraph_url = "http://10.0.0.1"\n', "plain http only on loopback"),
        ('[workers]\nurl = "http://hr.example/x"\n', "url must be https"),
        ('[[ad]]\nname = "x"\nurl = "ldap://x"\n[workers]\nname = "x"\nfile = "w.csv"\n', "source name used twice: x"),
        ('[ad]\nname = "../x"\nurl = "ldap://x"\n', "ad.0.name"),
        ('[[link]]\nad = "nowhere"\n', "unknown source: nowhere"),
        ('[backfill]\nscope = "hybrid"\n', "unknown [scope.hybrid]"),
        ('[backfill]\nattribute = "accountEnabled"\n', "attribute 'accountEnabled' may not be written"),
        ('[[backfill.mapping]]\nattribute = "mail"\n', "attribute 'mail' may not be written"),
        ('[[backfill.mapping]]\nattribute = "extension_1234_x"\n', "may not be written"),
        (f'[[backfill.mapping]]\nattribute = "extension_{"0a" * 16}_badge"\n', "needs a source: worker.COLUMN"),
        ('[[backfill.mapping]]\nattribute = "usageLocation"\nmode = "merge"\n', "mode merge is for otherMails"),
        ('[[backfill.mapping]]\nattribute = "otherMails"\nposition = "first"\n', "position is for mode merge"),
        ('[backfill]\nsource = "worker.country"\n[[backfill.mapping]]\nattribute = "otherMails"\n', "give either"),
        ('[[backfill.mapping]]\nattribute = "otherMails"\n' * 2, "two mappings write otherMails"),
        ("[scope.all]\ngroups = []\n", "scope.all.groups"),
        ("[scope.all]\ngroups = [[]]\n", "selects everybody"),
        ('[scope.s]\ngroups = [[{ column = "a", op = "EQUALS" }]]\n', "EQUALS takes a value"),
        ('[scope.s]\ngroups = [[{ column = "a", op = "IS NULL", value = "x" }]]\n', "IS NULL takes no value"),
        ('[scope.s]\ngroups = [[{ column = "a", op = "MATCHES", value = "x" }]]\n', "scope.s.groups"),
        ("[load]\nmax_shrink_share = 2\n", "load.max_shrink_share"),
        ("[load]\nmax_shrink_share = nan\n", "load.max_shrink_share"),
        ("[load]\nmax_fill_loss = nan\n", "load.max_fill_loss"),
        ("[load]\nhistory_days = true\n", "load: history_days is a number, not true or false"),
        ("[load]\nmax_fill_loss = false\n", "load: max_fill_loss is a number, not true or false"),
        ('[ad]\nurl = "ldap://x"\npage_size = true\n', "ad.0: page_size is a number, not true or false"),
        ("[sspr]\nmethods_required = true\n", "sspr: methods_required is a number, not true or false"),
        ("[load]\nhistory_days = -1\n", "load.history_days"),
        ('[workers]\nfile = "a\\u0000b"\n', "workers.file: a NUL character"),
        ('[[workers]]\nfile = "x"\nencoding = "utf\\u0000"\n', "workers.0.encoding: a NUL character"),
        ('[ad]\nurl = ["ldap://x", "ldap://\\u0000"]\n', "ad.url.1: a NUL character"),
        ('[workers]\nfile = "x"\ncolumns = { "\\u0000" = "x" }\n', "workers.columns: a NUL character"),
        ('[database]\nurl = "sqlite:///a\\u0000b"\n', "database.url: a NUL character"),
        ('[workers]\nfile = "~nosuchuser/x"\n', "workers.0: file: no home folder is known for ~nosuchuser"),
        ('[catalogue]\nfindings = ["x", "~nosuchuser/x"]\n', "findings: no home folder is known for ~nosuchuser"),
        ('env_file = "~nosuchuser/x"\n', "env_file: no home folder is known for ~nosuchuser"),
    ],
)
def test_what_does_not_hold_is_named(tmp_path, text, said):
    message = refused(tmp_path, text)
    assert said in message
    assert "recon.toml" in message


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ('[ad]\nurl = "ldaps://svc:GEHEIM@dc"\n', "no user or password in the url: use user and password_env"),
        ('[ad]\nurl = ["ldap://dc1", "ldaps://GEHEIM@dc2"]\n', "no user or password in the url"),
        ('[ad]\nurl = "ldaps:/svc:GEHEIM@dc"\n', "url must be ldap://HOST or ldaps://HOST"),
        ('[ad]\nurl = "svc:GEHEIM@dc"\n', "url must be ldap://HOST or ldaps://HOST"),
        ('[ad]\nurl = "ldaps://svc:GEHEIM[@dc"\n', "url must be ldap://HOST or ldaps://HOST"),
        ('[ad]\nurl = "ldaps://svc:GEHEIM@d\u2100c"\n', "url must be ldap://HOST or ldaps://HOST"),
        ('[entra]\ntenant_id = "t"\ngraph_url = "https://app:GEHEIM@graph.example"\n', "use client_id and secret_env"),
        ('[entra]\ntenant_id = "t"\ngraph_url = "https:/app:GEHEIM@graph.example"\n', "must be an http(s) address"),
        ('[workers]\nurl = "http://isu:GEHEIM@127.0.0.1:1/x"\n', "no user or password in the url: use user"),
        ('[workers]\nurl = "https:///isu:GEHEIM@hr.example/x"\n', "url must be https://HOST"),
        (
            '[workers]\nurl = "https://hr.example/x"\ntoken_url = "https://app:GEHEIM@hr.example/t"\n',
            "no user or password in the token_url: use user and password_env",
        ),
        ('[mim]\nurl = "mssql+pyodbc://svc:GEHEIM@d\u2100c/x"\n', "url is not an SQLAlchemy URL"),
        ('[mim]\nurl = "mssql+pyodbc://svc:GE/HEIM@dc/x"\n', "url is not an SQLAlchemy URL"),
    ],
)
def test_a_password_in_an_address_is_refused_and_not_shown(tmp_path, section, said):
    message = refused(tmp_path, section)
    assert said in message
    assert "GEHEIM" not in message


@pytest.mark.parametrize(
    ("section", "key"),
    [
        ('[ad]\nurl = ["ldap://dc1", "ldaps://{}"]\n', "url"),
        ('[entra]\ntenant_id = "t"\ngraph_url = "https://{}"\n', "graph_url"),
        ('[workers]\nurl = "https://{}/x"\n', "url"),
        ('[workers]\nurl = "https://hr.example/x"\ntoken_url = "https://{}/t"\n', "token_url"),
    ],
)
@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("dc:99999", "names no valid port"),
        ("dc:abc", "names no valid port"),
        ("dc..example", "names no valid host"),
        (f"{'a' * 64}.example", "names no valid host"),
        (":636", "must be"),
        ("", "must be"),
    ],
)
def test_an_address_without_a_host_or_with_a_port_that_is_none(tmp_path, section, key, host, said):
    assert f": {key} {said}" in refused(tmp_path, section.format(host))


def test_a_password_in_the_wrong_place_is_in_no_traceback(tmp_path):
    with pytest.raises(ConfigError) as caught:
        load_config(
            write(tmp_path, '[ad]\nurl = "ldap://dc"\npassword = "GEHEIM"\n[[backfill.mapping]]\nkey = "GEHEIM"\n')
        )
    assert "ad.0.password: unknown key" in str(caught.value)
    assert "GEHEIM" not in str(caught.value.__cause__)  # --debug shows it


@pytest.mark.parametrize("given", ["%d/%d/%Y", "%Q", "%", "", "%d.%m", "%m.%Y", "%d.%m.%Y ", "%H:%M", "%Y\0%m%d"])
def test_a_date_format_that_reads_no_date_is_refused(given):
    with pytest.raises(ValueError, match="reads no whole date"):
        WorkerSource(file="hr.csv", date_format=given)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("%d.%m.%Y", "03.04.2023"),
        ("%m/%d/%y", "04/03/23"),
        ("%d %b %Y", "3 Apr 2023"),
        ("%Y-%m-%dT%H:%M:%S%z", "2023-04-03T10:00:00-0800"),
        ("%d.%m.%Y %I:%M %p", "03.04.2023 10:00 PM"),
        ("%Y年%m月%d日", "2023年04月03日"),
        ("%Y-%j", "2023-093"),
    ],
)
def test_a_date_format_that_reads_dates_is_taken(given, text):
    assert date_text(text, WorkerSource(file="hr.csv", date_format=given).date_format) == "2023-04-03"


def test_loopback_graph_may_be_plain(tmp_path):
    config = load_config(write(tmp_path, '[entra]\ntenant_id = "t"\ngraph_url = "http://127.0.0.1:8080"\n'))
    assert config.entra[0].graph_url == "http://127.0.0.1:8080"


def test_settings_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        Config().database.url = "x"  # type: ignore[misc]


@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "bom"])
def test_env_file_fills_what_the_environment_lacks(tmp_path, monkeypatch, mark):
    monkeypatch.setenv("RECON_TEST_KEPT", "mine")
    monkeypatch.setenv("RECON_TEST_NEW", "x")
    monkeypatch.delenv("RECON_TEST_NEW")
    secrets = tmp_path / ".secrets.env"
    secrets.write_text(f"{mark}RECON_TEST_NEW=a=b\n# comment\nRECON_TEST_KEPT=other\n", "utf-8")
    secrets.chmod(0o600)
    load_config(write(tmp_path, 'env_file = ".secrets.env"\n'))
    assert (os.environ["RECON_TEST_KEPT"], os.environ["RECON_TEST_NEW"]) == ("mine", "a=b")


def test_an_env_file_that_others_can_read_is_refused(tmp_path):
    secrets = tmp_path / ".secrets.env"
    secrets.write_text("X=1\n")
    secrets.chmod(0o644)
    assert "can be read by others" in refused(tmp_path, 'env_file = ".secrets.env"\n')


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"# one\nhunter2\n", "line 2: not NAME=value"),
        (b"# one\n =hunter2\n", "line 2: not NAME=value"),
        (b"# one\nRECON_TEST_NEW=hunter2\0\n", "line 2: a NUL character"),
        (b"RECON_TEST\0=hunter2\n", "line 1: a NUL character"),
        ("RECON_TEST_NEW=hunter2ä\n".encode("cp1252"), ".secrets.env: not UTF-8"),
        ("RECON_TEST_NEW=hunter2\n".encode("utf-16"), ".secrets.env: not UTF-8"),
    ],
)
def test_an_env_file_that_does_not_hold_is_named_without_showing_it(tmp_path, data, said):
    secrets = tmp_path / ".secrets.env"
    secrets.write_bytes(data)
    secrets.chmod(0o600)
    message = refused(tmp_path, 'env_file = ".secrets.env"\n')
    assert said in message
    assert "hunter2" not in message
