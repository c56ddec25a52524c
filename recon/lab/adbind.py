"""Simple binds as AD answers them: four ways to name an account, sub-codes that say why not, lockout.

Every attempt with a wrong password counts, as badPwdCount does: a client that repeats a refused bind locks the
account here as it would at work.
"""

import hmac
import threading
from dataclasses import dataclass

from recon.lab.addirectory import Account, Directory
from recon.lab.adschema import DnError, dn_key, dn_rdns

SUCCESS = 0
STRONGER_AUTH_REQUIRED = 8
INVALID_CREDENTIALS = 49

# State of an account to the sub-code that a bind with the right password gets (facts: Windows error in hexadecimal).
SUB_CODES = {
    "bad_logon_hours": "530",
    "bad_workstation": "531",
    "password_expired": "532",
    "disabled": "533",
    "expired": "701",
    "must_change": "773",
    "locked": "775",
}
_UNKNOWN_USER = "525"
_WRONG_PASSWORD = "52e"
_BAD_BINDINGS = "80090346"


def diagnostic(code: str, dsid: str, comment: str, data: str = "0") -> str:
    """The text of an LdapErr as a domain controller of Windows Server 2019 sends it, trailing NUL included."""
    return f"{code}: LdapErr: DSID-{dsid}, comment: {comment}, data {data}, v4563\0"


@dataclass(frozen=True, slots=True)
class BindAnswer:
    """`account`: the sAMAccountName that is signed in now; None for anonymous and for refusals."""

    code: int
    text: str = ""
    account: str | None = None


class Accounts:
    """The accounts of one domain and their bad password counts; shared by all connections of a server."""

    def __init__(self, directory: Directory, lockout_threshold: int) -> None:
        self._directory = directory
        self._threshold = lockout_threshold
        self._lock = threading.Lock()
        self.bad_password_count: dict[str, int] = dict.fromkeys(directory.accounts, 0)
        self._names: dict[str, str] = {}
        for name, account in directory.accounts.items():
            self._learn(name, account)

    def _learn(self, name: str, account: Account) -> None:
        dn, upn = self._directory.account_entries.get(name.casefold(), (account.dn, account.upn))
        domain, netbios = self._directory.dns_name, self._directory.netbios_name
        spellings = [f"{netbios}\\{name}", f"{domain}\\{name}", f"{name}@{domain}", account.upn or upn]
        for spelling in spellings:
            if spelling:
                self._names[spelling.casefold()] = name
        for one in {dn, account.dn} - {None}:
            self._names[dn_key(dn_rdns(str(one)))] = name

    def resolve(self, identity: str) -> str | None:
        """The account that a bind name means: DN, UPN, DOMAIN\\user or sAMAccountName@dnsdomain; None: nobody."""
        name = self._names.get(identity.casefold())
        if name is None and "=" in identity:
            try:
                name = self._names.get(dn_key(dn_rdns(identity)))
            except DnError:
                return None
        return name

    def bind(self, identity: str, password: bytes) -> BindAnswer:
        """Check a name and a non-empty password. An unknown UPN is told apart (525), other unknown names are not."""
        name = self.resolve(identity)
        if name is None:
            is_upn = "@" in identity and "=" not in identity and "\\" not in identity
            return refusal(_UNKNOWN_USER if is_upn else _WRONG_PASSWORD)
        account = self._directory.accounts[name]
        with self._lock:
            bad = self.bad_password_count[name]
            if account.state == "locked" or 0 < self._threshold <= bad:
                return refusal(SUB_CODES["locked"])
            if not hmac.compare_digest(password, account.password.encode()):
                self.bad_password_count[name] = bad + 1
                return refusal(_WRONG_PASSWORD)
            if account.state != "ok":
                return refusal(SUB_CODES[account.state])
            self.bad_password_count[name] = 0
        return BindAnswer(SUCCESS, account=name)

    def unlock(self, name: str) -> None:
        """Set the bad password count of an account back, as an administrator does."""
        with self._lock:
            self.bad_password_count[name] = 0


def refusal(sub_code: str) -> BindAnswer:
    """Result 49 with AD's sub-code."""
    text = diagnostic("80090308", "0C090569", "AcceptSecurityContext error", sub_code)
    return BindAnswer(INVALID_CREDENTIALS, text)


def binding_refusal() -> BindAnswer:
    """Result 49 for a missing channel binding token: not about credentials."""
    text = diagnostic(_BAD_BINDINGS, "0C090569", "AcceptSecurityContext error", _BAD_BINDINGS)
    return BindAnswer(INVALID_CREDENTIALS, text)


def integrity_refusal() -> BindAnswer:
    """Result 8: a simple bind without TLS where the domain controller demands signing."""
    comment = (
        "The server requires binds to turn on integrity checking if SSL\\TLS are not already active on the connection"
    )
    return BindAnswer(STRONGER_AUTH_REQUIRED, diagnostic("00002028", "0C090257", comment))
