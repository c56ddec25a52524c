"""One domain's entries: names, the tree, the indexes, what is added by itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.lab.adschema import DnError, dn_key, dn_rdns
from recon.lab.adserver import Account, Directory
from recon.lab.ldapfilter import And, Comparison, Or, Present
from tests.support.addirectory import BASE, CONFIGURATION, group, guid, people, user


def names(directory, node):
    return [directory.entries[ordinal].name() for ordinal in directory.candidates(node)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("CN=A,DC=x", "cn=a, dc=X"),
        ("CN=A\\, B,DC=x", "CN=A\\2C B,DC=x"),
        ("CN=A\\2c B,DC=x", "CN=a\\, b , dc=x"),
        ("CN=\\C3\\A4,DC=x", "CN=Ä,DC=x"),
        ('CN=A\\"B,DC=x', "CN=A\\22B,DC=x"),
        ("CN=A\\ ,DC=x", "CN=A\\20,DC=x"),
    ],
)
def test_spellings_of_one_name(one, other):
    assert dn_key(dn_rdns(one)) == dn_key(dn_rdns(other))


def test_different_names_stay_different():
    assert dn_rdns("CN=A\\,B,DC=x") != dn_rdns("CN=A,B=c,DC=x")
    assert dn_rdns("CN=A,DC=x") == ("cn=a", "dc=x")
    assert dn_rdns("  ") == ()


@pytest.mark.parametrize("dn", ["CN", "CN=a,,DC=x", "CN=a,B", "=a", "CN=a\\", "CN=\\FF,DC=x"])
def test_what_is_no_name_is_refused(dn):
    with pytest.raises(DnError):
        dn_rdns(dn)


@given(st.text(max_size=40))
def test_any_text_is_a_name_or_is_refused(text):
    try:
        rdns = dn_rdns(text)
    except DnError:
        return
    assert all("=" in rdn for rdn in rdns)


def test_values_come_back_as_they_went_in():
    dn, attributes = user(7, proxyAddresses=[b"SMTP:a", b""], thumbnailPhoto=[bytes(range(256)) * 3])
    directory = Directory(BASE, [(dn, attributes)])
    entry = directory.entries[0]
    assert entry.name() == dn
    for name, values in attributes.items():
        assert list(entry.values_at(directory.positions[name.casefold()])) == values
    assert list(entry.values_at(directory.positions["distinguishedname"])) == [dn.encode()]


def test_attributes_that_come_later_are_absent_earlier():
    directory = Directory(BASE, [user(1), user(2, mail=[b"x@contoso.example"])])
    mail = directory.positions["mail"]
    assert [list(entry.values_at(mail)) for entry in directory.entries[:2]] == [[], [b"x@contoso.example"]]


def test_what_a_domain_has_by_itself():
    directory = Directory(BASE, [user(1, ou="OU=Süd,OU=Staff")], netbios_name="CONTOSO")
    assert sorted(entry.name() for entry in directory.entries) == sorted(
        [
            f"CN=Person 0001,OU=Süd,OU=Staff,{BASE}",
            f"OU=Süd,OU=Staff,{BASE}",
            f"OU=Staff,{BASE}",
            BASE,
            CONFIGURATION,
            f"CN=Deleted Objects,{BASE}",
            f"CN=Partitions,{CONFIGURATION}",
            f"CN=CONTOSO,CN=Partitions,{CONFIGURATION}",
        ]
    )
    reference = directory.entries[directory.find(dn_rdns(f"cn=contoso,cn=partitions,{CONFIGURATION}"))]
    values = {
        name: list(reference.values_at(directory.positions[name])) for name in ("ncname", "dnsroot", "netbiosname")
    }
    assert values == {"ncname": [BASE.encode()], "dnsroot": [b"contoso.example"], "netbiosname": [b"CONTOSO"]}


def test_given_containers_are_not_made_again():
    ou = (f"OU=Staff,{BASE}", {"objectClass": [b"top", b"organizationalUnit"], "objectGUID": [guid(5)]})
    head = (BASE, {"objectClass": [b"top", b"domain", b"domainDNS"], "objectGUID": [guid(6)]})
    directory = Directory(BASE, [user(1), ou, head])
    found = directory.entries[directory.find(dn_rdns(f"OU=staff,{BASE}"))]
    assert list(found.values_at(directory.positions["objectguid"])) == [guid(5)]
    assert len(directory.entries) == 3 + 4  # and the configuration, and the container of deleted objects


def test_a_name_twice_is_refused():
    with pytest.raises(ValueError, match="two entries are called"):
        Directory(BASE, [user(1), user(1)])


def test_a_domain_needs_a_domain_name():
    with pytest.raises(DnError, match="DC="):
        Directory("O=Contoso")


def test_nearest_and_holds():
    directory = Directory(BASE, [user(1)])
    assert directory.nearest(dn_rdns(f"CN=x,OU=y,OU=Staff,{BASE}")) == f"OU=Staff,{BASE}"
    assert directory.nearest(dn_rdns("DC=other,DC=test")) == ""
    assert directory.find(dn_rdns("DC=example")) is None
    assert directory.holds(dn_rdns(f"OU=nowhere,{BASE}"))
    assert not directory.holds(dn_rdns("DC=othercontoso,DC=example"))


def test_indexes_give_candidates_in_order():
    directory = Directory(BASE, [*people(3), group(50, "Clerks", [])])
    person = Comparison("objectCategory", "=", b"person")
    clerks = Comparison("objectClass", "=", b"GROUP")
    assert len(names(directory, person)) == 3
    assert names(directory, clerks) == [f"CN=Clerks,OU=Groups,{BASE}"]
    assert names(directory, And((Present("cn"), clerks))) == names(directory, clerks)
    assert len(names(directory, Or((clerks, person)))) == 4
    assert len(names(directory, Or((clerks, Present("cn"))))) == len(directory.entries)
    assert names(directory, Comparison("sAMAccountType", "=", b"268435456")) == names(directory, clerks)
    assert names(directory, Comparison("objectClass", "=", b"nothing")) == []


def test_large_attributes_are_kept_by_value():
    members = [f"CN=P{n},{BASE}".encode() for n in range(1501)]
    directory = Directory(BASE, [group(1, "Large", members), group(2, "Full", members[:1500])])
    position = directory.positions["member"]
    large, full = directory.entries[:2]
    assert large.encoded(position) == b""
    assert list(large.values_at(position)) == members
    assert full.ranged is None
    assert list(full.values_at(position)) == members[:1500]


def test_passwords_do_not_show():
    assert "secret" not in repr(Account("secret"))


def test_highest_usn():
    assert Directory(BASE, [user(1), user(700), user(3)]).highest_usn == 1700
