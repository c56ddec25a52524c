"""The AD server as a client library sees it: binds, TLS, rootDSE, searches, paging, ranges."""

import contextlib
import socket
import ssl

import ldap3
import pytest
from ldap3.core.exceptions import LDAPExceptionError

from recon.errors import UsageError
from recon.lab.adserver import Account, AdServer, Directory
from recon.lab.certificates import make_tls_files
from tests.support.addirectory import (
    BASE,
    CONFIGURATION,
    PASSWORD,
    READER,
    WireClient,
    directory,
    group,
    guid,
    people,
    read_result_tag,
    search_operation,
    sid,
    user,
)

# ldap3 2.9.1 compares host names with a function that Python 3.11 calls deprecated
pytestmark = pytest.mark.filterwarnings("ignore:ssl.match_hostname:DeprecationWarning")

PERSON = "(&(objectCategory=person)(objectClass=user))"


NOT_BOUND = (
    "000004DC: LdapErr: DSID-0C090A5C, comment: In order to perform this operation a successful bind must be"
    " completed on the connection., data 0, v4563\0"
)


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    return make_tls_files(tmp_path_factory.mktemp("tls"))


# ldap3 as a plain wire client: it adds no attributes, follows no ranges, corrects no names
PLAIN = {
    "receive_timeout": 10,
    "auto_range": False,
    "auto_referrals": False,
    "check_names": False,
    "return_empty_attributes": False,
}


@contextlib.contextmanager
def opened(target, name=None, password=None, **options):
    """An ldap3 connection, not bound yet; closed at the end whatever became of it."""
    connection = ldap3.Connection(target, name, password, **(PLAIN | options))
    try:
        yield connection
    finally:
        with contextlib.suppress(LDAPExceptionError):
            connection.unbind()


@contextlib.contextmanager
def connect(server, name=READER, password=PASSWORD):
    """The same after one try to bind; `result` tells."""
    target = ldap3.Server("127.0.0.1", server.port, get_info=ldap3.NONE, connect_timeout=5)
    with opened(target, name, password) as connection:
        connection.bind()
        yield connection


def entries(connection):
    return [one for one in connection.response if one["type"] == "searchResEntry"]


def values(connection):
    """The first entry's attributes as sent."""
    return dict(entries(connection)[0]["raw_attributes"])


def dns(connection):
    return [one["dn"] for one in entries(connection)]


@pytest.fixture
def small():
    with AdServer(directory(*people(3), group(50, "Clerks", [f"CN=Person 0001,OU=Staff,{BASE}".encode()]))) as server:
        yield server


@pytest.fixture
def client(small):
    with connect(small) as connection:
        yield connection


# ---- bind ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        READER,
        "cn=reader, ou=service, dc=CONTOSO, dc=example",
        "CONTOSO\\Reader",
        "contoso\\reader",
        "contoso.example\\reader",
        "reader@contoso.example",
        "Directory.Reader@CORP.example",
    ],
)
def test_ways_to_name_an_account(small, name):
    with connect(small, name) as connection:
        assert connection.result["result"] == 0
        assert connection.extend.standard.who_am_i() == "u:CONTOSO\\Reader"
    assert [(bind.identity, bind.code, bind.is_tls) for bind in small.log.binds] == [(name, 0, False)]


@pytest.mark.parametrize(
    ("name", "password", "data"),
    [
        (READER, "wrong", "52e"),
        ("nobody@contoso.example", PASSWORD, "525"),
        ("CONTOSO\\nobody", PASSWORD, "52e"),
        ("KONTOSO\\Reader", PASSWORD, "52e"),
        (f"CN=Nobody,{BASE}", PASSWORD, "52e"),
        ("Reader", PASSWORD, "52e"),
        ("off@contoso.example", PASSWORD, "533"),
        ("off@contoso.example", "wrong", "52e"),
        ("gone@contoso.example", PASSWORD, "701"),
        ("new@contoso.example", PASSWORD, "773"),
        ("stale@contoso.example", PASSWORD, "532"),
        ("night@contoso.example", PASSWORD, "530"),
        ("elsewhere@contoso.example", PASSWORD, "531"),
        ("locked@contoso.example", PASSWORD, "775"),
    ],
)
def test_refused_binds_carry_the_sub_code(name, password, data):
    states = {
        "off": "disabled",
        "gone": "expired",
        "new": "must_change",
        "stale": "password_expired",
        "night": "bad_logon_hours",
        "elsewhere": "bad_workstation",
        "locked": "locked",
    }
    accounts = {login: Account(PASSWORD, state) for login, state in states.items()}
    with AdServer(directory(accounts=accounts)) as server:
        text = f"80090308: LdapErr: DSID-0C090569, comment: AcceptSecurityContext error, data {data}, v4563\0"
        with connect(server, name, password) as connection:
            assert (connection.result["result"], connection.result["message"]) == (49, text)
            assert not connection.search(BASE, "(objectClass=*)")
            assert connection.result["message"].startswith("000004DC")


def test_wrong_passwords_lock_the_account_and_are_counted():
    def code(server, password=PASSWORD):
        with connect(server, password=password) as connection:
            return connection.result["result"]

    with AdServer(directory(), lockout_threshold=3) as server:
        assert [code(server, "wrong"), code(server, "wrong")] == [49, 49]
        assert server.accounts.bad_password_count == {"Reader": 2}
        assert code(server) == 0
        assert server.accounts.bad_password_count == {"Reader": 0}  # a right one clears the count
        assert [code(server, "wrong") for _ in range(3)] == [49, 49, 49]
        assert code(server) == 49
        assert "data 775" in server.log.binds[-1].text
        assert server.accounts.bad_password_count == {"Reader": 3}
        server.accounts.unlock("Reader")
        assert code(server) == 0
        assert len(server.log.binds) == 8  # what was refused was refused once


@pytest.mark.parametrize("name", ["", READER])
def test_an_empty_password_is_anonymous_and_reads_only_the_root_dse(small, name):
    with WireClient(small.port) as client:
        assert client.bind(name, "") == 0
        client.send(2, search_operation("", scope=0, attributes=("defaultNamingContext",)))
        assert BASE.encode() in client.message()
        assert client.result()[:2] == (0x65, 0)
        client.send(3, search_operation())
        assert client.result() == (
            0x65,
            1,
            "",
            NOT_BOUND,
        )
        assert client.bind() == 0
        client.send(4, search_operation(attributes=("1.1",)))
        assert read_result_tag(client.message()) == 0x64
    assert [bind.identity for bind in small.log.binds] == [name, READER]


def test_plain_binds_can_be_refused(tls):
    with AdServer(directory(), tls=tls, requires_tls_for_bind=True) as server:
        with connect(server) as connection:
            assert connection.result["result"] == 8
            text = "00002028: LdapErr: DSID-0C090257, comment: The server requires"
            assert connection.result["message"].startswith(text)
            connection.start_tls()
            assert connection.bind()
        assert [(bind.code, bind.is_tls) for bind in server.log.binds] == [(8, False), (0, True)]


def test_channel_binding_can_be_demanded(tls):
    with AdServer(directory(), tls=tls, requires_channel_binding=True) as server, connect(server) as connection:
        assert connection.result["result"] == 0
        connection.start_tls()
        assert not connection.bind()
        assert "80090346" in connection.result["message"]


def test_other_kinds_of_bind_are_not_supported(small):
    sasl = {"authentication": ldap3.SASL, "sasl_mechanism": ldap3.EXTERNAL, "sasl_credentials": "dn:x"}
    with opened(ldap3.Server("127.0.0.1", small.port, get_info=ldap3.NONE), **sasl) as connection:
        assert not connection.bind()
        assert connection.result["result"] == 7


def test_an_unknown_state_of_an_account_is_refused_at_the_start():
    with pytest.raises(UsageError, match="unknown state"):
        AdServer(directory(accounts={"x": Account("x", "sleepy")}))


# ---- TLS ----------------------------------------------------------------------------------------------


def verifying(ca_file):
    return ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=str(ca_file), valid_names=["127.0.0.1"])


def test_ldaps_verifies(tls):
    with AdServer(directory(), tls=tls) as server:
        target = ldap3.Server(server.ldaps_url, get_info=ldap3.NONE, tls=verifying(server.ca_file))
        with opened(target, READER, PASSWORD) as connection:
            assert connection.bind()
            assert connection.search(BASE, "(sAMAccountName=reader)", attributes=["cn"])
        assert server.log.searches[-1].is_tls
        assert server.ldaps_url == f"ldaps://127.0.0.1:{server.ldaps_port}"


def test_start_tls_verifies_and_is_needed_once(tls):
    with AdServer(directory(), tls=tls) as server:
        target = ldap3.Server(server.url, get_info=ldap3.NONE, tls=verifying(server.ca_file))
        with opened(target, READER, PASSWORD) as connection:
            assert connection.start_tls()
            assert connection.bind()
            assert connection.search(BASE, "(sAMAccountName=reader)", attributes=["cn"])
            connection.extended("1.3.6.1.4.1.1466.20037")
            assert connection.result["result"] == 1
        assert server.log.start_tls == 1


def test_without_certificates_there_is_no_tls(small):
    assert small.ldaps_url is None
    assert small.ca_file is None
    with connect(small) as connection:
        connection.extended("1.3.6.1.4.1.1466.20037")
        assert connection.result["result"] == 52
        assert "Error initializing SSL/TLS" in connection.result["message"]
        connection.extended("1.2.3.4")
        assert connection.result["result"] == 2


def test_plain_text_on_the_ldaps_port_harms_nothing(tls):
    with AdServer(directory(), tls=tls) as server:
        target = ldap3.Server("127.0.0.1", server.ldaps_port, get_info=ldap3.NONE)
        with opened(target, READER, PASSWORD) as connection, pytest.raises(LDAPExceptionError):
            connection.bind()
        with connect(server) as other:
            assert other.result["result"] == 0


# ---- rootDSE ------------------------------------------------------------------------------------------


def test_root_dse(tls):
    with AdServer(directory(user(1)), tls=tls) as server:
        target = ldap3.Server("127.0.0.1", server.port, get_info=ldap3.DSA)
        with opened(target, READER, PASSWORD) as connection:
            assert connection.bind()
            other = target.info.other
            assert other["defaultNamingContext"] == [BASE]
            assert other["rootDomainNamingContext"] == [BASE]
            assert other["configurationNamingContext"] == [CONFIGURATION]
            assert other["schemaNamingContext"] == [f"CN=Schema,{CONFIGURATION}"]
            assert other["dnsHostName"] == ["dc1.contoso.example"]
            assert other["serverName"][0].startswith("CN=DC1,CN=Servers,")
            assert other["dsServiceName"] == [f"CN=NTDS Settings,{other['serverName'][0]}"]
            assert other["highestCommittedUSN"] == ["10000"]
            assert other["isSynchronized"] == ["TRUE"]
            assert "1.2.840.113556.1.4.319" in [control[0] for control in target.info.supported_controls]
            assert target.info.supported_ldap_versions == ["3", "2"]
            assert "1.2.840.113556.1.4.800" in [one[0] for one in target.info.supported_features]
            assert BASE in target.info.naming_contexts
            assert "MaxPageSize" in other["supportedLDAPPolicies"]


def test_root_dse_answers_what_is_asked(client):
    client.search("", "(objectClass=*)", ldap3.BASE, attributes=["DEFAULTnamingcontext", "isSynchronized"])
    assert values(client) == {
        "defaultNamingContext": [BASE.encode()],
        "isSynchronized": [b"TRUE"],
    }
    assert not client.search("", "(cn=x)", ldap3.BASE)
    assert client.result["result"] == 0


# ---- search -------------------------------------------------------------------------------------------


def test_scopes(client):
    one = f"CN=Person 0001,OU=Staff,{BASE}"
    client.search(one, "(objectClass=*)", ldap3.BASE, attributes=["1.1"])
    assert dns(client) == [one]
    client.search(f"ou=STAFF, {BASE}", "(objectClass=*)", ldap3.LEVEL, attributes=["1.1"])
    assert dns(client) == [f"CN=Person {n:04d},OU=Staff,{BASE}" for n in (1, 2, 3)]
    client.search(f"OU=Staff,{BASE}", "(objectClass=*)", ldap3.SUBTREE, attributes=["1.1"])
    assert len(dns(client)) == 4  # and the unit itself
    client.search(BASE, "(objectClass=*)", ldap3.LEVEL, attributes=["1.1"])
    assert sorted(dns(client)) == [f"OU=Groups,{BASE}", f"OU=Service,{BASE}", f"OU=Staff,{BASE}"]
    client.search(BASE, "(objectClass=*)", ldap3.SUBTREE, attributes=["1.1"])
    assert max(dns(client)) == f"OU=Staff,{BASE}"
    assert not any("Configuration" in dn for dn in dns(client))
    client.search(CONFIGURATION, "(nETBIOSName=*)", ldap3.SUBTREE, attributes=["nETBIOSName", "dnsRoot"])
    assert values(client) == {"nETBIOSName": [b"CONTOSO"], "dnsRoot": [b"contoso.example"]}


def test_references_follow_the_entries_of_a_domain(client):
    client.search(BASE, PERSON, attributes=["1.1"])
    assert [one["uri"][0] for one in client.response if one["type"] == "searchResRef"] == [
        f"ldap://DomainDnsZones.contoso.example/DC=DomainDnsZones,{BASE}",
        f"ldap://ForestDnsZones.contoso.example/DC=ForestDnsZones,{BASE}",
        f"ldap://contoso.example/{CONFIGURATION}",
    ]
    client.search(BASE, PERSON, attributes=["1.1"], controls=[("1.2.840.113556.1.4.1339", True, None)])
    assert {one["type"] for one in client.response} == {"searchResEntry"}
    client.search(f"OU=Staff,{BASE}", PERSON, attributes=["1.1"])
    assert {one["type"] for one in client.response} == {"searchResEntry"}


def test_attributes_are_chosen_by_name_in_any_case_and_answered_in_theirs(client):
    client.search(BASE, "(cn=Person 0002)", attributes=["SAMACCOUNTNAME", "objectsid", "OBJECTGUID", "nothing"])
    assert values(client) == {
        "sAMAccountName": [b"person2"],
        "objectSid": [sid(2)],
        "objectGUID": [guid(2)],
    }


def test_star_leaves_constructed_attributes_out():
    more = {"msDS-User-Account-Control-Computed": [b"16"], "nTSecurityDescriptor": [b"\1\2"]}
    with AdServer(directory(user(1, **more))) as server, connect(server) as client:
        client.search(BASE, "(cn=Person 0001)", attributes=["*"])
        star = values(client)
        assert star["objectClass"] == [b"top", b"person", b"organizationalPerson", b"user"]
        assert star["distinguishedName"] == [f"CN=Person 0001,OU=Staff,{BASE}".encode()]
        assert not set(more) & set(star)
        client.search(BASE, "(cn=Person 0001)", attributes=["*", "msDS-User-Account-Control-Computed"])
        assert values(client) == star | {"msDS-User-Account-Control-Computed": [b"16"]}
        client.search(BASE, "(cn=Person 0001)", attributes=["1.1"])
        assert values(client) == {}


def test_types_only(client):
    client.search(BASE, "(cn=Person 0001)", attributes=["cn", "sAMAccountName"], types_only=True)
    assert sorted(values(client)) == ["cn", "sAMAccountName"]
    assert not any(values(client).values())


def test_hidden_attributes_are_gone():
    with AdServer(directory(user(1)), hidden_attributes=["userAccountControl"]) as server, connect(server) as client:
        client.search(BASE, "(cn=Person 0001)", attributes=["cn", "userAccountControl"])
        assert values(client) == {"cn": [b"Person 0001"]}
        client.search(BASE, "(cn=Person 0001)", attributes=["*"])
        assert "userAccountControl" not in values(client)
        for text in ("(userAccountControl=512)", "(!(userAccountControl=2))"):
            client.search(BASE, text, attributes=["cn"])
            assert entries(client) == []


def test_deleted_objects_show_when_asked():
    dead = user(1, "Gone", "CN=Deleted Objects", isDeleted=[b"TRUE"])
    show = [("1.2.840.113556.1.4.417", True, None)]
    with AdServer(directory(dead, user(2))) as server, connect(server) as client:
        client.search(BASE, "(sAMAccountName=person1)", attributes=["cn"], controls=show)
        assert entries(client) == []
    accounts = {"Reader": Account(PASSWORD, reads_deleted=True)}
    with AdServer(directory(dead, user(2), accounts=accounts)) as server, connect(server) as client:
        client.search(BASE, "(sAMAccountName=person1)", attributes=["cn"])
        assert entries(client) == []
        client.search(BASE, "(sAMAccountName=person1)", attributes=["cn"], controls=show)
        assert dns(client) == [f"CN=Gone,CN=Deleted Objects,{BASE}"]


@pytest.mark.parametrize(
    "base",
    [
        "<GUID=00000000-0000-0000-0000-000000000002>",
        f"<GUID={guid(2).hex()}>",
        "<SID=S-1-5-21-2034489041-3947327283-3017199991-2>",
        f"<sid={sid(2).hex()}>",
    ],
)
def test_bases_by_guid_and_sid(client, base):
    client.search(base, "(objectClass=*)", ldap3.BASE, attributes=["cn"])
    assert dns(client) == [f"CN=Person 0002,OU=Staff,{BASE}"]


@pytest.mark.parametrize("base", ["<GUID=00000000-0000-0000-0000-00000000ffff>", "<GUID=x>", "<SID=S-1-x>"])
def test_unknown_guid_or_sid(client, base):
    assert not client.search(base, "(objectClass=*)", ldap3.BASE)
    assert client.result["result"] == 32


def test_no_such_object_names_the_nearest(client):
    assert not client.search(f"OU=Nowhere,OU=Staff,{BASE}", "(objectClass=*)")
    assert client.result["result"] == 32
    assert client.result["dn"] == f"OU=Staff,{BASE}"
    assert client.result["message"] == (
        f"0000208D: NameErr: DSID-0310028B, problem 2001 (NO_OBJECT), data 0, best match of:\n\t'OU=Staff,{BASE}'\n\0"
    )


def test_another_domain_is_a_referral(client):
    assert not client.search("DC=fabrikam,DC=example", "(objectClass=*)")
    assert client.result["result"] == 10
    assert client.result["referrals"] == ["ldap://fabrikam.example/DC=fabrikam,DC=example"]


def test_a_base_that_is_no_name(client):
    assert not client.search("Contoso", "(objectClass=*)")
    assert client.result["result"] == 34
    assert "problem 2006 (BAD_NAME)" in client.result["message"]


def test_unknown_controls(client):
    assert not client.search(BASE, PERSON, controls=[("1.2.840.113556.1.4.528", True, b"")])
    assert client.result["result"] == 12
    assert client.search(BASE, PERSON, controls=[("1.2.840.113556.1.4.528", False, b"")])


def test_unsupported_matching_rules(client):
    assert not client.search(BASE, "(memberOf:1.2.840.113556.1.4.1941:=CN=x)")
    assert client.result["result"] == 18


def test_writes_are_refused(client):
    dn = f"CN=Person 0001,OU=Staff,{BASE}"
    assert not client.modify(dn, {"mail": [(ldap3.MODIFY_REPLACE, ["x"])]})
    assert client.result["result"] == 53
    assert not client.delete(dn)
    assert client.result["result"] == 53
    assert not client.add(f"CN=New,{BASE}", "user")
    assert client.result["result"] == 53
    assert not client.modify_dn(dn, "CN=Other")
    assert client.result["result"] == 53
    assert not client.compare(dn, "cn", "Person 0001")
    assert client.result["result"] == 53


# ---- limits and pages ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def thousands():
    with AdServer(directory(*people(2500))) as server:
        yield server


def test_without_paging_a_thousand_and_size_limit_exceeded(thousands):
    with connect(thousands) as client:
        client.search(BASE, PERSON, attributes=["cn"])
        assert client.result["result"] == 4
        assert len(entries(client)) == 1000


def test_size_limit_of_the_client(thousands):
    with connect(thousands) as client:
        client.search(BASE, PERSON, attributes=["cn"], size_limit=7)
        assert (client.result["result"], len(entries(client))) == (4, 7)
        client.search(BASE, "(cn=Person 00*)", attributes=["cn"], size_limit=99)
        assert (client.result["result"], len(entries(client))) == (0, 99)
        sizes = []
        cookie = None
        for _ in range(2):
            client.search(BASE, PERSON, attributes=["cn"], size_limit=15, paged_size=10, paged_cookie=cookie)
            cookie = client.result["controls"]["1.2.840.113556.1.4.319"]["value"]["cookie"]
            sizes.append((len(entries(client)), client.result["result"], bool(cookie)))
        assert sizes == [(10, 0, True), (5, 4, False)]


@pytest.mark.parametrize(
    ("size", "pages"), [(1000, [1000, 1000, 501]), (5000, [1000, 1000, 501]), (900, [900, 900, 701])]
)
def test_pages_are_complete_and_clipped(thousands, size, pages):
    with connect(thousands) as client:
        seen, counts, cookie = [], [], None
        while cookie != b"":
            client.search(BASE, PERSON, attributes=["cn"], paged_size=size, paged_cookie=cookie)
            cookie = client.result["controls"]["1.2.840.113556.1.4.319"]["value"]["cookie"]
            counts.append(len(entries(client)))
            seen += dns(client)
        assert counts == pages
        assert len(set(seen)) == 2501
        last = list(thousands.log.searches)[-len(pages) :]
        assert [(search.page_size, search.page, search.entries) for search in last] == [
            (size, number + 1, count) for number, count in enumerate(pages)
        ]


def test_a_page_that_holds_all_has_no_cookie(thousands):
    with connect(thousands) as client:
        client.search(BASE, "(cn=Person 000*)", attributes=["cn"], paged_size=9)
        assert client.result["controls"]["1.2.840.113556.1.4.319"]["value"]["cookie"] == b""
        assert len(entries(client)) == 9


def first_cookie(client, base=BASE):
    client.search(base, PERSON, attributes=["cn"], paged_size=10)
    return client.result["controls"]["1.2.840.113556.1.4.319"]["value"]["cookie"]


def test_bad_cookies(thousands):
    def refused(client, cookie, base=BASE):
        client.search(base, PERSON, attributes=["cn"], paged_size=10, paged_cookie=cookie)
        return client.result["result"] == 53 and client.result["message"].startswith("00000057: LdapErr")

    with connect(thousands) as client, connect(thousands) as other:
        assert refused(client, b"nonsense")
        assert refused(other, first_cookie(client))  # of another connection
        used = first_cookie(client)
        client.search(BASE, PERSON, attributes=["cn"], paged_size=10, paged_cookie=used)
        assert refused(client, used)  # of the page before
        assert refused(client, first_cookie(client), f"OU=Staff,{BASE}")  # of another search
        oldest = first_cookie(client)
        for _ in range(10):
            latest = first_cookie(client)
        assert refused(client, oldest)  # ten searches may be open
        assert not refused(client, latest)


def test_a_search_can_be_given_up(thousands):
    with connect(thousands) as client:
        cookie = first_cookie(client)
        client.search(BASE, PERSON, attributes=["cn"], paged_size=0, paged_cookie=cookie)
        assert client.result["result"] == 0
        assert entries(client) == []
        client.search(BASE, PERSON, attributes=["cn"], paged_size=10, paged_cookie=cookie)
        assert client.result["result"] == 53


def test_several_searches_may_be_open(thousands):
    with connect(thousands) as client:
        first, second = first_cookie(client), first_cookie(client)
        for cookie in (second, first):
            client.search(BASE, PERSON, attributes=["cn"], paged_size=10, paged_cookie=cookie)
            assert dns(client)[0] == f"CN=Person 0010,OU=Staff,{BASE}"


# ---- ranges -------------------------------------------------------------------------------------------

MEMBERS = [f"CN=Person {n:05d},OU=Staff,{BASE}".encode() for n in range(3200)]
LARGE = f"CN=Large,OU=Groups,{BASE}"


@pytest.fixture(scope="module")
def groups():
    entries = [group(1, "Large", MEMBERS), group(2, "Full", MEMBERS[:1500]), group(3, "Empty", [])]
    with AdServer(directory(*entries)) as server:
        yield server


def members(client, dn, attribute="member"):
    client.search(dn, "(objectClass=*)", ldap3.BASE, attributes=[attribute])
    return values(client) if entries(client) else None


def test_large_groups_come_in_ranges(groups):
    with connect(groups) as client:
        first = members(client, LARGE)
        assert sorted(first) == ["member", "member;range=0-1499"]
        assert not first["member"]
        assert first["member;range=0-1499"] == MEMBERS[:1500]
        assert members(client, LARGE, "member;range=1500-*") == {"member;range=1500-2999": MEMBERS[1500:3000]}
        assert members(client, LARGE, "member;range=3000-*") == {"member;range=3000-*": MEMBERS[3000:]}
        assert members(client, LARGE, "MEMBER;Range=10-19") == {"member;range=10-19": MEMBERS[10:20]}
        assert members(client, LARGE, "member;range=0-9999") == {"member;range=0-1499": MEMBERS[:1500]}
        assert members(client, LARGE, "member;range=3190-3199") == {"member;range=3190-*": MEMBERS[3190:]}
        assert members(client, LARGE, "*")["member;range=0-1499"] == MEMBERS[:1500]


def test_up_to_1500_values_come_whole(groups):
    with connect(groups) as client:
        full = f"CN=Full,OU=Groups,{BASE}"
        assert members(client, full) == {"member": MEMBERS[:1500]}
        assert members(client, full, "member;range=0-*") == {"member;range=0-*": MEMBERS[:1500]}
        assert members(client, full, "member;range=0-0") == {"member;range=0-0": MEMBERS[:1]}
        assert members(client, f"CN=Empty,OU=Groups,{BASE}", "member;range=0-*") == {}


def test_a_range_behind_the_end_is_an_error(groups):
    with connect(groups) as client:
        assert members(client, LARGE, "member;range=3200-*") is None
        assert client.result["result"] == 1
        lenient = [("1.2.840.113556.1.4.1948", True, None)]
        client.search(LARGE, "(objectClass=*)", ldap3.BASE, attributes=["cn", "member;range=3200-*"], controls=lenient)
        assert client.result["result"] == 0
        assert values(client) == {"cn": [b"Large"]}


def test_members_are_found_by_filter(groups):
    with connect(groups) as client:
        client.search(BASE, f"(member={MEMBERS[3100].decode()})", attributes=["1.1"])
        assert dns(client) == [LARGE]


# ---- the server ---------------------------------------------------------------------------------------


def test_stop_ends_connections_and_frees_the_port():
    server = AdServer(directory()).start()
    port = server.port
    with connect(server) as client:
        server.stop()
        server.stop()
        with pytest.raises(LDAPExceptionError):
            client.search(BASE, PERSON)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=2)
    with AdServer(directory(), port=port) as again:
        assert again.url == f"ldap://127.0.0.1:{port}"


def test_a_taken_port_is_an_error(small):
    with pytest.raises(OSError, match="in use"):
        AdServer(directory(), port=small.port).start()


def test_schema_readers_are_not_thrown():
    with AdServer(directory(user(1))) as server:
        target = ldap3.Server("127.0.0.1", server.port, get_info=ldap3.ALL)
        with opened(target, READER, PASSWORD) as connection:
            assert connection.bind()
            assert connection.search(BASE, PERSON, attributes=["cn", "objectSid"])
            assert values(connection)["objectSid"] == [sid(9000)]


def test_two_domains_side_by_side():
    child = Directory("DC=emea,DC=contoso,DC=example", [], accounts={"Reader": Account("other")}, root_dn=BASE)
    with AdServer(directory()) as root, AdServer(child) as server, connect(server, "EMEA\\Reader", "other") as client:
        assert root.port != server.port
        assert client.result["result"] == 0
        client.search("", "(objectClass=*)", ldap3.BASE, attributes=["rootDomainNamingContext"])
        assert values(client) == {"rootDomainNamingContext": [BASE.encode()]}
        client.search("DC=emea,DC=contoso,DC=example", "(objectClass=*)", attributes=["1.1"])
        assert len([one for one in client.response if one["type"] == "searchResRef"]) == 1
