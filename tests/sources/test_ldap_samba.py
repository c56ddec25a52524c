"""Active Directory over LDAP, from a real domain controller: signing in, TLS, and what is read."""

import socket

import pytest

from recon.config import AdSource
from recon.decode.keys import EmployeeIdRules
from recon.errors import ConfigError, SignInError, SourceError
from recon.objects import TABLES, Row
from recon.sources.ldap.reading import AdReading
from tests.servers import people
from tests.servers.certificates import make_authority
from tests.servers.samba import Samba

pytestmark = pytest.mark.samba
IDS = EmployeeIdRules(strip_prefix=("WD-",), strip_leading_zeros=True)


def source(samba: Samba, **settings: object) -> AdSource:
    given = {
        "url": samba.url,
        "user": samba.reader,
        "ca_file": samba.ca_file,
        "timeout": 20,
        "increment": "off",
        **settings,
    }
    return AdSource(**{name: value for name, value in given.items() if value is not None})


def rows(samba: Samba, password: str | None = people.READER_PASSWORD, **settings: object) -> list[Row]:
    return list(AdReading(source(samba, **settings), password, IDS).rows())


def column(row: Row, name: str) -> object:
    return row.values[TABLES[row.table].position[name]]


def user(found: list[Row], sam: str) -> Row:
    (row,) = (row for row in found if row.table == "ad_user" and column(row, "samaccountname") == sam)
    return row


@pytest.fixture(scope="module")
def domain(samba: Samba) -> list[Row]:
    """Everything, read once."""
    return rows(samba)


def test_everything_is_read_in_small_pages(samba: Samba, domain: list[Row]):
    read = AdReading(source(samba, page_size=8), people.READER_PASSWORD, IDS)
    assert sorted(map(repr, read.rows())) == sorted(map(repr, domain))
    users = sum(row.table == "ad_user" for row in domain)
    assert users == people.COUNT + 17 + 4  # and Administrator, Guest, krbtgt, dns-dc1
    assert read.report.table("ad_user").pages == -(-users // 8)
    assert read.report.table("ad_user").filter == "(sAMAccountType=805306368)"
    assert read.report.table("ad_user").server_count is None
    assert read.report.requests > 40
    assert read.report.bytes_read > 100_000
    assert read.report.warnings == []
    watermark = read.report.table("ad_user").watermark
    assert watermark is not None
    assert watermark.startswith("usn=")
    assert "invocationId=" in watermark


def test_the_server_counts_what_was_read(samba: Samba):
    read = AdReading(source(samba, page_size=5, count=True), people.READER_PASSWORD, IDS)
    found = list(read.rows())
    read_rows = {table: sum(row.table == table for row in found) for table in ("ad_user", "ad_group", "ad_contact")}
    assert {table: read.report.table(table).server_count for table in read_rows} == read_rows


def test_names_and_values_of_people(domain: list[Row]):
    gross = user(domain, "jgross")
    assert column(gross, "distinguishedname") == f"CN=Jürgen Groß,OU=Zürich,{people.BASE}"
    assert column(gross, "upn_key") == "jgross@contoso.example"
    assert column(gross, "employeeid") == "WD-000123"
    assert column(gross, "employeeid_key") == "123"
    assert column(gross, "smtp_primary") == "juergen.gross@contoso.example"
    assert column(gross, "streetaddress") == "Bahnhofstraße 1\r\n8001 Zürich"
    assert [child for child, _ in gross.children] == ["ad_user_proxyaddress"] * 4
    assert column(user(domain, "yamada"), "displayname") == "山田 太郎"
    brien = user(domain, "zobrien")
    assert column(brien, "ou_path") == f"OU=Sales\\, EMEA,{people.BASE}"
    assert column(brien, "manager_key") == column(gross, "dn_key")
    assert ("ad_value_defect", ("mail", 0, "non_ascii", "zoë@contoso.example")) in brien.children


def test_states_of_accounts(domain: list[Row]):
    assert [column(user(domain, sam), "is_enabled") for sam in ("disabled", "nopassword", "neverexpires")] == [0, 0, 1]
    assert column(user(domain, "expired"), "account_expires_at") == "2020-01-01 00:00:00.000000"
    locked = user(domain, "locked")
    assert column(locked, "locked_out_at") == "2024-01-01 00:00:00.000000"
    assert column(locked, "msdsuseraccountcontrolcomputed") == 16
    assert column(user(domain, "mustchange"), "pwdlastset") == 0
    assert column(user(domain, "mustchange"), "pwd_last_set_at") is None
    assert column(user(domain, "lastseen"), "last_logon_at") == "2024-01-01 00:00:00.123456"
    assert column(user(domain, "lastseen"), "last_logon_day") == 19723


def test_anchors_and_histories(domain: list[Row]):
    anchored = user(domain, "anchored")
    assert column(anchored, "immutable_id") == "AAECAwQFBgcICQoLDA0ODw=="
    assert column(anchored, "extensionattribute1") == "private@example.net"
    assert column(anchored, "extensionattribute15") == "fünfzehn"
    sid = "S-1-5-21-2034489041-3947327283-3017199991-816685"
    assert ("ad_user_sidhistory", (0, sid, sid.lower())) in user(domain, "moved").children
    assert column(user(domain, "cloudext"), "msdscloudextensionattribute20") == "zwanzig"
    service = user(domain, "svc-sql")
    assert column(service, "admincount") == 1
    assert len([child for child, _ in service.children if child == "ad_user_serviceprincipalname"]) == 2


def test_groups_members_computers_and_contacts(domain: list[Row]):
    groups = {column(row, "cn"): row for row in domain if row.table == "ad_group"}
    assert column(groups["Everybody"], "member_count") == people.COUNT + 17
    assert column(groups["Empty"], "member_count") == 0
    assert column(groups["Verteiler Süd"], "grouptype") == 2
    members = [row.values for row in domain if row.table == "ad_member"]
    nested = [values[2] for values in members if values[0] == column(groups["Nested"], "guid")]
    assert sorted(nested) == [
        "cn=contact müller,ou=people,dc=ad,dc=contoso,dc=example",
        "cn=everybody,ou=groups,dc=ad,dc=contoso,dc=example",
    ]
    assert {column(row, "samaccountname") for row in domain if row.table == "ad_computer"} == {"DC1$", "PC1$"}
    assert [column(row, "mail") for row in domain if row.table == "ad_contact"] == ["mueller@example.org"]
    assert not [row for row in domain if row.table == "load_reject"]


def test_the_sites_own_attributes_and_kinds(samba: Samba):
    found = rows(samba, attributes=("wWWHomePage", "memberOf", "objectClass"), objects=("users",))
    assert {row.table for row in found} == {"ad_user"}
    own = [values for child, values in user(found, "yamada").children if child == "ad_attribute"]
    assert ("memberof", 0, f"CN=Everybody,OU=Groups,{people.BASE}") in own
    assert ("objectclass", 3, "user") in own


def test_one_base_below_the_domain(samba: Samba):
    found = rows(samba, bases=(f"OU=Zürich,{people.BASE}",))
    assert [column(row, "samaccountname") for row in found] == ["jgross"]


@pytest.mark.parametrize("form", ["upn", "dn", "down-level"])
@pytest.mark.parametrize("scheme", ["ldap", "ldaps"])
def test_three_forms_of_a_user_over_both_kinds_of_tls(samba: Samba, form, scheme):
    name = {
        "upn": samba.reader,
        "dn": f"CN=Recon Reader,OU=Service,{people.BASE}",
        "down-level": f"CONTOSO\\{people.READER}",
    }[form]
    read = AdReading(
        source(samba, user=name, url=samba.url if scheme == "ldap" else samba.ldaps_url), people.READER_PASSWORD, IDS
    )
    try:
        assert read.domain == "ad.contoso.example"
    finally:
        read.close()


def test_names_and_passwords_beyond_ascii(samba: Samba):
    for name, password in (
        ("victim@contoso.example", people.VICTIM_PASSWORD),
        (f"CN=Jürgen Groß,OU=Zürich,{people.BASE}", "Irgendwas-1"),
    ):
        assert rows(samba, password, user=name, objects=("contacts",))


@pytest.mark.parametrize("name", ["victim@contoso.example", "CONTOSOO\\victim", "nobody@contoso.example"])
def test_a_wrong_password_user_or_domain_names_all_three(samba: Samba, name):
    with pytest.raises(SignInError) as refused:
        rows(samba, "wrong", user=name)
    assert "(data 52e)" in str(refused.value) or "(data 525)" in str(refused.value)
    assert refused.value.hint is not None
    assert "domain" in refused.value.hint
    assert "wrong" not in str(refused.value).replace("wrong password", "")


@pytest.mark.parametrize(("sam", "data"), [("disabled", "533"), ("expired", "701"), ("mustchange", "773")])
def test_the_state_of_the_reading_account_is_told(samba: Samba, sam, data):
    with pytest.raises(SignInError, match=f"data {data}"):
        rows(samba, "Irgendwas-1", user=f"{sam}@contoso.example")


@pytest.mark.parametrize("password", [None, ""])
def test_a_user_without_password_is_refused_before_the_bind(samba: Samba, password):
    with pytest.raises(ConfigError, match="no password for") as refused:
        rows(samba, password)
    assert refused.value.hint is not None
    assert "RECON_AD_PASSWORD" in refused.value.hint


def test_a_plain_bind_is_answered_with_the_need_for_tls(samba: Samba):
    with pytest.raises(SignInError, match="demands signing or TLS"):
        rows(samba, tls="none", allow_plain_bind=True)


def test_without_a_user_nothing_is_read(samba: Samba):
    with pytest.raises(SignInError, match="not without signing in"):
        rows(samba, None, user=None)


@pytest.mark.parametrize("scheme", ["ldap", "ldaps"])
def test_an_unknown_ca_is_named(samba: Samba, tmp_path, scheme):
    other = make_authority(tmp_path, addresses=("127.0.0.1",))
    url = samba.url if scheme == "ldap" else samba.ldaps_url
    with pytest.raises(SourceError, match="certificate cannot be verified") as refused:
        rows(samba, url=url, ca_file=other.ca_file)
    assert refused.value.hint is not None
    assert f"ca_file {other.ca_file}" in refused.value.hint
    with pytest.raises(SourceError, match="certificate cannot be verified") as refused:
        rows(samba, url=url, ca_file=None)
    assert refused.value.hint is not None
    assert "set `ca_file`" in refused.value.hint


def test_a_ca_file_that_is_none(samba: Samba, tmp_path):
    (tmp_path / "text.pem").write_text("nothing")
    for file in (tmp_path / "gone.pem", tmp_path / "text.pem"):
        with pytest.raises(ConfigError, match=r"ca_file .* cannot be used"):
            rows(samba, ca_file=file)


@pytest.mark.parametrize("base", ["OU=Gone,DC=ad,DC=contoso,DC=example", "DC=elsewhere,DC=example", "nonsense"])
def test_a_wrong_base_is_named(samba: Samba, base):
    with pytest.raises(SourceError, match="no such base") as refused:
        rows(samba, bases=(base,))
    assert base in str(refused.value)
    assert refused.value.hint is not None
    assert "bases" in refused.value.hint


def test_a_closed_port_and_an_unknown_name(samba: Samba):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with pytest.raises(SourceError, match=rf"127\.0\.0\.1:{port} refused the connection") as refused:
        rows(samba, url=f"ldap://127.0.0.1:{port}")
    assert refused.value.hint is not None
    assert "url" in refused.value.hint
    with pytest.raises(SourceError, match=r"the name dc9\.invalid cannot be resolved"):
        rows(samba, url="ldaps://dc9.invalid")


@pytest.mark.parametrize("port", ["99999", "ldap"])
def test_a_port_that_is_none(samba: Samba, port):
    with pytest.raises(ValueError, match="no valid port"):
        rows(samba, url=f"ldaps://{samba.host}:{port}")


def test_tls_on_the_wrong_port(samba: Samba):
    with pytest.raises(SourceError, match="no TLS connection"):
        rows(samba, url=f"ldaps://{samba.host}:389")


def test_the_password_is_in_no_message_and_no_repr(samba: Samba):
    read = AdReading(source(samba, user="victim@contoso.example"), "S3cret-In-Repr", IDS)
    with pytest.raises(SignInError) as refused:
        next(read.rows())
    assert "S3cret-In-Repr" not in repr(read) + str(refused.value) + repr(vars(read)) + str(refused.value.hint)
