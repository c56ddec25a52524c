"""The domain's policy, fine-grained policies and deleted objects: from a server, in rows, in views."""

from collections.abc import Iterator

import pytest

from recon.config import AdSource
from recon.decode.keys import EmployeeIdRules
from recon.errors import AccessError
from recon.lab.adchanges import Changes
from recon.lab.adserver import AdServer
from recon.objects import TABLES, Row
from recon.sources.ad_beside import days, deleted_row, minutes
from recon.sources.ldap.reading import AdReading
from tests.servers.samba import Samba
from tests.support.adsteps import BASE, domain

OBJECTS = ("domain", "policies", "deleted")
USER = {
    "objectClass": [b"top", b"person", b"user"], "sAMAccountType": [b"805306368"], "userAccountControl": [b"512"]
}  # fmt: skip
NEVER = b"-9223372036854775808"


@pytest.fixture
def company() -> Iterator[tuple[Changes, AdServer]]:
    changes = domain()
    settings = f"CN=Password Settings Container,CN=System,{BASE}"
    changes.modify(BASE, {
        "maxPwdAge": [b"-36288000000000"], "lockoutDuration": [b"-18000000000"], "lockoutThreshold": [b"10"],
        "minPwdLength": [b"7"], "pwdProperties": [b"1"], "msDS-Behavior-Version": [b"7"],
    })  # fmt: skip
    changes.add(f"CN=System,{BASE}", {"objectClass": [b"top", b"container"]})
    changes.add(settings, {"objectClass": [b"top", b"msDS-PasswordSettingsContainer"]})
    changes.add(f"CN=Strict,{settings}", {
        "objectClass": [b"top", b"msDS-PasswordSettings"], "msDS-PasswordSettingsPrecedence": [b"10"],
        "msDS-MaximumPasswordAge": [NEVER], "msDS-LockoutDuration": [NEVER],
        "msDS-PasswordComplexityEnabled": [b"TRUE"],
        "msDS-PSOAppliesTo": [f"CN=Z,{BASE}".encode(), f"CN=Admins,OU=Groups,{BASE}".encode()],
    })  # fmt: skip
    with AdServer(changes.directory) as server:
        yield changes, server


def reading(server: AdServer, since: str | None = None, user: str = "reader", **settings: object) -> AdReading:
    given = {
        "url": server.url, "user": f"{user}@contoso.example", "tls": "none", "allow_plain_bind": True, **settings
    }  # fmt: skip
    return AdReading(AdSource(**{"objects": OBJECTS, **given}), "right", EmployeeIdRules(), since=since)


def columns(row: Row, *names: str) -> tuple[object, ...]:
    return tuple(row.values[TABLES[row.table].position[name]] for name in names)


def test_the_domain_and_its_policies(company: tuple[Changes, AdServer]):
    _, server = company
    domain_row, policy = reading(server).rows()
    assert columns(
        domain_row, "dns_name", "max_password_days", "lockout_minutes", "lockoutthreshold", "minpwdlength",
        "pwdproperties", "msdsbehaviorversion", "tombstonelifetime",
    ) == ("contoso.example", 42, 30, 10, 7, 1, 7, None)  # fmt: skip
    assert columns(policy, "name", "msdspasswordsettingsprecedence", "max_password_days", "lockout_minutes",
                   "msdspasswordcomplexityenabled") == ("Strict", 10, None, None, 1)  # fmt: skip
    groups = f"CN=Admins,OU=Groups,{BASE}"
    assert policy.children == (
        ("ad_password_policy_target", (0, groups, groups.lower())),
        ("ad_password_policy_target", (1, f"CN=Z,{BASE}", f"cn=z,{BASE.lower()}")),
    )


def test_deleted_objects_are_whole_in_an_increment_too(company: tuple[Changes, AdServer]):
    changes, server = company
    changes.add(f"CN=Ada\\, Lovelace,OU=People,{BASE}", {**USER, "sAMAccountName": [b"Ada"]})
    changes.delete(f"CN=Ada\\, Lovelace,OU=People,{BASE}")
    read = reading(server, objects=("users", "deleted"))
    (gone,) = read.rows()
    found = columns(gone, "object_type", "last_name", "samaccountname", "sam_key", "lastknownparent", "deleted_day")
    assert found == ("user", "Ada, Lovelace", "Ada", "ada", f"OU=People,{BASE}", 20454)
    assert not read.report.table("ad_deleted").is_whole
    read = reading(server, read.report.watermark, objects=("users", "deleted"))
    assert list(read.rows()) == [gone]
    assert read.report.table("ad_deleted").is_whole


@pytest.mark.parametrize(
    ("written", "name"),
    [
        (r"CN=Ada\0ADEL:5d4f", "Ada"),
        (r"CN=Ada\0aDEL:5d4f", "Ada"),
        (r"CN=Doe\, Jane\0ADEL:5d4f", "Doe, Jane"),
        (r"CN=CONTOSO\\svc\0ADEL:5d4f", r"CONTOSO\svc"),
        (r"CN=Z\C3\BCrich\0ADEL:5d4f", "Zürich"),
        (r"CN=PC1\0ACNF:1111\0ADEL:5d4f", "PC1\nCNF:1111"),
        (r"CN=\\0ADEL:x\0ADEL:5d4f", r"\0ADEL:x"),
        ("CN=Ada", "Ada"),
        (r"CN=a\00b\0ADEL:5d4f", None),  # no database stores NUL alike
        (r"CN=\FF\0ADEL:5d4f", None),
        (r"\0ADEL:5d4f", None),
    ],
)
def test_the_name_a_deleted_object_had(written: str, name: str | None):
    row = deleted_row(f"{written},CN=Deleted Objects,{BASE}", {"objectguid": [bytes(16)], "objectclass": [b"user"]})
    assert columns(row, "object_type", "last_name") == ("user", name)


@pytest.mark.parametrize("name", ["deleted", "policies"])
def test_what_may_not_be_read_is_refused_and_never_empty(company: tuple[Changes, AdServer], name: str):
    changes, server = company
    if name == "policies":
        changes.rename(f"CN=System,{BASE}", f"CN=Hidden,{BASE}")
    with pytest.raises(AccessError, match="cannot be read") as refused:
        list(reading(server, user="ordinary", objects=(name,)).rows())
    assert refused.value.hint is not None
    assert "dsacls" in refused.value.hint


def test_an_export_has_none_of_them():
    with pytest.raises(ValueError, match="not from an LDIF export"):
        AdSource(ldif="export.ldif", objects=("users", "deleted"))


@pytest.mark.parametrize(
    ("ticks", "in_minutes", "in_days"),
    [
        (-36288000000000, 60480, 42),
        (-18000000000, 30, 0),
        (0, None, None),
        (-(1 << 63), None, None),
        (None, None, None),
    ],
)
def test_durations(ticks: int | None, in_minutes: int | None, in_days: int | None):
    assert (minutes(ticks), days(ticks)) == (in_minutes, in_days)


@pytest.mark.samba
def test_a_real_domain(samba: Samba):
    source = AdSource(url=samba.url, user=samba.admin, ca_file=samba.ca_file, timeout=20, objects=OBJECTS)
    rows = list(AdReading(source, samba.admin_password, EmployeeIdRules()).rows())
    (found,) = [row for row in rows if row.table == "ad_domain"]
    names = (
        "dns_name",
        "max_password_days",
        "lockout_minutes",
        "minpwdlength",
        "pwdhistorylength",
        "tombstonelifetime",
    )
    assert columns(found, *names) == ("ad.contoso.example", None, None, 1, 24, 180)
    assert not [row for row in rows if row.table == "load_reject"]
