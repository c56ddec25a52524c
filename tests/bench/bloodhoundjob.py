"""BloodHound.py against a test controller: `python bloodhoundjob.py HOST DOMAIN USER PASSWORD`, in the current folder.

Its code as it is but for two things that this controller lacks: names are answered from here instead of by DNS, and it
signs in by a simple bind over LDAPS instead of NTLM. Runs in the peers' environment.
"""

import sys
from types import SimpleNamespace
from typing import Any

import bloodhound
import dns.resolver
import ldap3
from bloodhound.ad import authentication, domain

HOST, DOMAIN, USER, PASSWORD = sys.argv[1:]


class Answer(list[Any]):
    """What a resolver gives: records, and the name that was asked for."""

    def __init__(self, qname: str, *records: SimpleNamespace) -> None:
        super().__init__(records)
        self.qname = qname


class Names:
    """Every service of the domain is on dc1, and dc1 is HOST."""

    def __init__(self) -> None:
        self.nameservers: list[str] = []

    def resolve(self, name: str, kind: str = "A", **_options: object) -> Answer:
        if kind == "SRV":
            return Answer(name, SimpleNamespace(target=f"dc1.{DOMAIN}."))
        if kind == "A":
            return Answer(name, SimpleNamespace(address=HOST))
        raise dns.resolver.NXDOMAIN

    query = resolve


class SimpleBind(ldap3.Connection):  # type: ignore[misc]
    """A connection that takes the same arguments and binds by name and password."""

    def __init__(self, server: Any, *_words: object, **options: Any) -> None:
        options |= {"user": f"CONTOSO\\{USER}", "password": PASSWORD, "authentication": ldap3.SIMPLE}
        super().__init__(server, **options)


domain.resolver.Resolver = Names
authentication.Connection = SimpleBind
sys.argv = ["bloodhound-python", "-u", USER, "-p", PASSWORD, "-d", DOMAIN, "-dc", f"dc1.{DOMAIN}", "-ns", HOST,
            "-c", "DCOnly", "--use-ldaps", "--disable-autogc", "--auth-method", "ntlm"]  # fmt: skip
bloodhound.main()
