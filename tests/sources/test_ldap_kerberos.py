"""Signing in with a ticket: kinit and keytab against Samba's KDC, and what each refusal says."""

import contextlib
import shutil
import subprocess
from pathlib import Path

import ldap3
import pytest

from recon.config import AdSource
from recon.decode.keys import EmployeeIdRules
from recon.errors import ConfigError, SignInError
from recon.sources.ldap import kerberos
from recon.sources.ldap.reading import AdReading
from tests.servers import people
from tests.servers.samba import Samba, missing

pytestmark = pytest.mark.samba
REALM = "AD.CONTOSO.EXAMPLE"
DC = "dc1.ad.contoso.example"
PRINCIPAL = f"{people.READER}@{REALM}"


@pytest.fixture
def realm(samba: Samba, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Samba:
    """Samba with a KDC, and a Kerberos configuration of our own without any ticket."""
    if shutil.which("kinit") is None:
        missing("kinit is not installed (krb5-user)")
    try:
        import gssapi  # noqa: F401
    except ImportError:
        missing("gssapi is not installed (directory-recon[kerberos]; libkrb5-dev, gcc)")
    with samba.connection() as admin, contextlib.suppress(ldap3.core.exceptions.LDAPAttributeOrValueExistsResult):
        change = {"servicePrincipalName": [(ldap3.MODIFY_ADD, [f"ldap/{DC}"])]}
        admin.modify(f"CN=DC1,OU=Domain Controllers,{samba.base}", change)
    (tmp_path / "krb5.conf").write_text(
        f"[libdefaults]\ndefault_realm = {REALM}\ndns_lookup_kdc = false\ndns_lookup_realm = false\nrdns = false\n"
        f"dns_canonicalize_hostname = false\n[realms]\n{REALM} = {{\n  kdc = {samba.host}:88\n}}\n"
    )
    monkeypatch.setenv("KRB5_CONFIG", str(tmp_path / "krb5.conf"))
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{tmp_path / 'ccache'}")
    monkeypatch.setenv("KRB5_CLIENT_KTNAME", str(tmp_path / "none.keytab"))
    return samba


def kinit(password: str = people.READER_PASSWORD) -> None:
    subprocess.run(["kinit", PRINCIPAL], input=password, text=True, check=True, capture_output=True)


def reading(samba: Samba, **settings: object) -> AdReading:
    given = {
        "url": samba.ldaps_url, "sign_in": "kerberos", "kerberos_host": DC, "ca_file": samba.ca_file,
        "objects": ("contacts",), "increment": "off", "timeout": 20, **settings,
    }  # fmt: skip
    return AdReading(AdSource(**given), None, EmployeeIdRules())


@pytest.mark.parametrize("scheme", ["ldaps", "ldap"])
def test_a_ticket_signs_in_over_both_kinds_of_tls(realm: Samba, scheme: str):
    kinit()
    rows = list(reading(realm, url=realm.ldaps_url if scheme == "ldaps" else realm.url).rows())
    assert [row.table for row in rows] == ["ad_contact"]


def test_a_keytab_signs_in_without_kinit(realm: Samba, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    keytab = tmp_path / "reader.keytab"
    script = (
        f"addent -password -p {PRINCIPAL} -k 1 -e aes256-cts-hmac-sha1-96\n{people.READER_PASSWORD}\nwkt {keytab}\n"
    )
    subprocess.run(["ktutil"], input=script, text=True, check=True, capture_output=True)
    monkeypatch.setenv("KRB5_CLIENT_KTNAME", str(keytab))
    assert len(list(reading(realm).rows())) == 1


def test_without_a_ticket(realm: Samba):
    with pytest.raises(SignInError, match="no ticket") as refused:
        list(reading(realm).rows())
    assert refused.value.hint is not None
    assert "kinit" in refused.value.hint


def test_an_address_where_a_host_name_is_needed(realm: Samba):
    kinit()
    with pytest.raises(SignInError, match="the domain knows no such service") as refused:
        list(reading(realm, kerberos_host=None).rows())
    assert refused.value.hint is not None
    assert "full host name" in refused.value.hint
    with pytest.raises(SignInError, match="knows no such service") as refused:
        list(reading(realm, kerberos_host="dc9.ad.contoso.example").rows())
    assert refused.value.hint is not None
    assert "setspn" in refused.value.hint


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Major (851968): Unspecified GSS failure, Minor (2529638949): Clock skew too great", "the clocks differ"),
        ("Major (720896): Ticket expired", "the ticket has expired"),
        ("Minor: Cannot contact any KDC for realm 'X'", "no domain controller answers"),
        ("SSPI: InitializeSecurityContext: The specified target is unknown or unreachable", "knows no such service"),
        ("something \x1b[31melse", r"something \\x1b\[31melse"),
    ],
)
def test_other_reasons(text: str, reason: str):
    source = AdSource(url="ldaps://dc1.contoso.example", sign_in="kerberos")
    with pytest.raises(SignInError, match=reason):
        raise kerberos.ticket_error("dc1:636", source, "dc1.contoso.example", OSError(text))


def test_a_missing_library_is_named():
    source = AdSource(url="ldaps://dc1.contoso.example", sign_in="kerberos")
    error = kerberos.ticket_error("dc1:636", source, "dc1", ldap3.core.exceptions.LDAPPackageUnavailableError("gssapi"))
    assert isinstance(error, ConfigError)
    assert error.hint is not None
    assert "directory-recon[kerberos]" in error.hint


@pytest.mark.parametrize(
    ("settings", "reason"),
    [({"user": "CONTOSO\\reader"}, "takes no user"), ({"url": "ldap://dc1", "tls": "none"}, "nothing is signed")],
)
def test_settings_that_do_not_fit(settings: dict[str, object], reason: str):
    with pytest.raises(ValueError, match=reason):
        AdSource(**{"url": "ldaps://dc1", "sign_in": "kerberos", **settings})
