"""What accounts may be, for the companies of tests.support.companies: flags, times, contacts, guests, sign-ins."""

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

if TYPE_CHECKING:
    from tests.support.companies import MadeCompany

BASE = "DC=contoso,DC=example"
CONTACT = f"CN=Kontakt 🦊,OU=People,{BASE}"
_FLAGS = (512 + 2097152, 512 + 128, 514 + 128, 512 + 16, 512 + 134217728, 512 + 16777216, 512 + 524288,
          512 + 524288 + 8192, 514 + 524288, 4194304 + 512)  # fmt: skip
_COMPUTER_FLAGS = (4096, 4096 + 16777216, 4098 + 16777216, 4096 + 524288 + 67108864, 4096 + 8388608, 4096 + 524288)
# 2025-12-01 is stale at the 90 days before 2026-03-02, 2025-12-02 is not
_LOGONS = ("134090208000000000", "134091072000000000", "134168000000000000", "0", "x")
_CREATED = ("20251201235959.0Z", "20251202000000.0Z", "20260301120000.0Z")
_SIGN_INS = ("2025-12-01T23:59:59Z", "2025-12-02T00:00:00Z", None, "soon")
_NAMES = ("http/web", "HTTP/WEB", "MSSQLSvc/db.contoso.example:1433", "")


def populate(draw: st.DrawFn, made: "MadeCompany") -> None:
    """Vary what is there, and add a contact, computers and sign-ins."""
    if draw(st.booleans()):
        made.ad["ad_contact"].append((CONTACT, {
            "objectclass": [b"top", b"contact"], "objectguid": [b"\x77" * 16], "cn": ["Kontakt 🦊".encode()],
            "whencreated": [b"20260301120000.0Z"],
        }))  # fmt: skip
    for _, raw in made.ad["ad_user"]:
        _vary_user(draw, raw)
    for number in range(draw(st.integers(0, 2))):
        made.ad["ad_computer"].append((f"CN=WS{number},CN=Computers,{BASE}", {
            "objectclass": [b"top", b"computer"], "objectguid": [bytes((0x60 + number,)) * 16],
            "cn": [f"WS{number}".encode()], "samaccounttype": [b"805306369"],
            "useraccountcontrol": [str(draw(st.sampled_from(_COMPUTER_FLAGS))).encode()],
            "lastlogontimestamp": [draw(st.sampled_from(_LOGONS)).encode()],
            "iscriticalsystemobject": [draw(st.sampled_from((b"FALSE", b"FALSE", b"TRUE")))],
        }))  # fmt: skip
    for user in made.entra_users:
        if draw(st.booleans()):
            user["createdDateTime"] = draw(st.sampled_from(("2025-12-01T23:59:59Z", "2025-12-02T00:00:00Z", None)))
        if draw(st.sampled_from((False, False, True))):
            user["employeeId"] = draw(st.sampled_from(("É1", "e\u03011 ", "E1")))
        user["externalUserState"] = draw(st.sampled_from((None, "PendingAcceptance", "Accepted")))
        if draw(st.booleans()):
            made.sign_ins.append(_sign_in(draw, user["id"]))
    if draw(st.sampled_from((False, False, False, True))):
        _forget(made)


def _forget(made: "MadeCompany") -> None:
    """Nobody has come for long."""
    for _, raw in made.ad["ad_user"]:
        raw["lastlogontimestamp"] = [_LOGONS[0].encode()]
    for user in made.entra_users:
        user["createdDateTime"] = "2025-11-30T00:00:00Z"
    made.sign_ins = [{"id": user["id"], "signInActivity": None} for user in made.entra_users]


def _vary_user(draw: st.DrawFn, raw: dict[str, list[bytes]]) -> None:
    may = st.booleans()
    if draw(may):
        raw["useraccountcontrol"] = [str(draw(st.sampled_from(_FLAGS))).encode()]
    if draw(may):
        raw["whencreated"] = [draw(st.sampled_from(_CREATED)).encode()]
    if draw(may):
        raw.pop("lastlogontimestamp", None)
    elif draw(may):
        raw["lastlogontimestamp"] = [draw(st.sampled_from(_LOGONS)).encode()]
    if draw(may):
        raw["serviceprincipalname"] = [name.encode() for name in draw(st.lists(st.sampled_from(_NAMES), unique=True))]
    if draw(may):
        raw["manager"] = [draw(st.sampled_from((CONTACT, CONTACT.upper(), "nobody", f"CN=Gone,{BASE}"))).encode()]


def _sign_in(draw: st.DrawFn, key: str) -> dict[str, Any]:
    times = {
        name: draw(st.sampled_from(_SIGN_INS)) for name in ("lastSignInDateTime", "lastNonInteractiveSignInDateTime")
    }
    return {"id": key, "signInActivity": draw(st.sampled_from((times, times, None)))}
