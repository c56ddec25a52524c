"""The decoded views say in SQL what recon.decode says in Python."""

import pytest
from sqlalchemy import text, update

from recon import deploy
from recon.decode import grouptype, uac
from recon.decode.times import filetime
from recon.store.tables import LOADED
from tests.support.estate import TODAY, Estate

NOON = "12:00:00.000000"
LOADED_AT = "2026-03-02 05:20:00.000000"  # the newest load

VALUES = [512, 514, 544, 546, 66048, 66050, 66080, 262656, 528, 8389120, 1 << 25, 0, None]


def decoded(estate: Estate, view: str) -> list[dict[str, object]]:
    """The rows of one view after a refresh."""
    deploy.install(estate.store)
    estate.refresh()
    with estate.store.read() as connection:
        return [dict(row._mapping) for row in connection.execute(text(f"select * from {view}"))]


def test_flags_of_user_account_control(estate):
    for value in VALUES:
        estate.ad(cn=str(value), useraccountcontrol=value, msdsuseraccountcontrolcomputed=value)
    rows = decoded(estate, "ad_user_decoded")
    assert len(rows) == len(VALUES)
    names = {flag.name.lower(): flag.name for flag in uac.FLAGS}
    for row in rows:
        value = row["useraccountcontrol"]
        stored = {names[name[4:]]: its for name, its in row.items() if name.startswith("uac_")}
        computed = {names[name[9:]]: its for name, its in row.items() if name.startswith("computed_")}
        assert set(computed) == {"LOCKOUT", "PASSWORD_EXPIRED", "USE_AES_KEYS", "PARTIAL_SECRETS_ACCOUNT"}
        assert set(stored) & set(computed) == {"PARTIAL_SECRETS_ACCOUNT"}
        assert set(stored) | set(computed) == set(names.values())
        if value is None:
            assert set(stored.values()) | set(computed.values()) == {None}
        else:
            found = uac.flags(int(str(value)))
            assert {name: name in found for name in stored} == {name: its == 1 for name, its in stored.items()}
            assert {name: name in found for name in computed} == {name: its == 1 for name, its in computed.items()}


def test_the_flags_of_computers_are_those_of_users(estate):
    estate.computer(
        guid="PC", useraccountcontrol=83890176, msdsuseraccountcontrolcomputed=16, pwd_last_set_day=TODAY - 9
    )
    (row,) = decoded(estate, "ad_computer_decoded")
    assert {name for name, its in row.items() if name.startswith("uac_") and its} == {
        f"uac_{name.lower()}" for name in uac.flags(83890176)
    }
    assert {name: its for name, its in row.items() if name.startswith("computed_")} == {
        "computed_lockout": 1, "computed_password_expired": 0, "computed_partial_secrets_account": 0,
        "computed_use_aes_keys": 0,
    }  # fmt: skip
    assert row["password_age_days"] == 9


def test_passwords_logons_and_expiry_by_the_clock(estate):
    estate.ad(cn="old", pwdlastset=133000000000000000, pwd_last_set_day=TODAY - 400, last_logon_at=f"2026-02-28 {NOON}")
    estate.ad(cn="to change", pwdlastset=0, accountexpires=0)
    estate.ad(cn="expires", accountexpires=134200000000000000, account_expires_at=f"2026-04-08 {NOON}")
    estate.ad(cn="never", accountexpires=2**63 - 1)
    estate.ad(cn="unknown")
    shown = ("password_age_days", "must_change_password", "days_since_logon", "never_expires")
    found = {row["distinguishedname"]: tuple(row[name] for name in shown) for row in decoded(estate, "ad_user_decoded")}
    assert list(found.values()) == [
        (400, 0, 2, None), (None, 1, None, 1), (None, None, None, 0), (None, None, None, 1), (None, None, None, None),
    ]  # fmt: skip


def test_expiry_by_the_clock(estate):
    for cn, at in (("past", "2026-03-02 05:20:00.000000"), ("to come", "2026-03-02 06:00:00.000000"), ("never", None)):
        estate.ad(cn=cn, samaccountname=cn, account_expires_at=at)
    found = {row["samaccountname"]: row["is_expired"] for row in decoded(estate, "ad_user_decoded")}
    assert found == {"past": 1, "to come": 0, "never": 0}


@pytest.mark.parametrize("value", [-2147483646, -2147483644, -2147483643, 8, 16, 32])
def test_group_types(estate, value):
    estate._insert("ad_group", "ad", {"guid": "g", "grouptype": value})
    (row,) = decoded(estate, "ad_group_decoded")
    said = grouptype.describe(value)
    assert row["group_scope"] == said.scope
    assert row["is_security"] == int(said.is_security)
    assert row["is_builtin"] == (value & 1)


def test_account_types(estate):
    for value in grouptype.SAM_ACCOUNT_TYPES:
        estate.ad(samaccounttype=value)
    rows = decoded(estate, "ad_user_decoded")
    kinds = {row["account_type"] for row in rows}
    assert kinds == set(grouptype.SAM_ACCOUNT_TYPES.values())


def test_contacts(estate):
    estate.entry("partner", kind="contact", mail="A@x.example", targetAddress="SMTP:a@x.example", displayName="Zoë")
    (row,) = decoded(estate, "ad_contact_decoded")
    assert (row["guid"], row["displayname"], row["ou_path"]) == ("partner", "Zoë", "DC=example,DC=com")
    assert row["mail_key"] == row["targetaddress_key"] == "a@x.example"


def test_a_group_type_that_could_not_be_read(estate):
    estate._insert("ad_group", "ad", {"guid": "g"})
    (row,) = decoded(estate, "ad_group_decoded")
    assert (row["group_scope"], row["is_security"], row["is_builtin"]) == (None, None, None)


def test_what_entra_did_not_answer_is_told_from_what_is_empty(estate):
    estate.entra(id="empty")
    estate.entra(id="absent", mails=None, is_enabled=None, is_guest=None, is_synced=None)
    estate.entra(id="guest", is_guest=1, is_synced=0)
    found = {
        row["id"]: (row["othermails_known"], row["is_enabled_known"], row["user_kind"], row["mastered_in"])
        for row in decoded(estate, "entra_user_decoded")
    }
    assert found == {
        "empty": (1, 1, "member", "synced"), "absent": (0, 0, None, "cloud"), "guest": (1, 1, "guest", "cloud"),
    }  # fmt: skip


def test_workers_are_masked_and_stand_by_the_clock(estate):
    estate.worker("E1", personal_mail="jane.doe@home.example", personal_mail_masked="j***@h***.example")
    estate.worker("E2", hire_date="2026-03-03", is_active=0)
    estate.worker("E3", termination_date="2026-03-01", is_active=1)
    estate.worker("E4", is_active=0)
    estate.worker("E5", is_active=None)
    rows = decoded(estate, "worker_decoded")
    assert {row["worker_id"]: row["standing"] for row in rows} == {
        "E1": "current", "E2": "future", "E3": "leaver", "E4": "leaver", "E5": "unknown",
    }  # fmt: skip
    assert not [row for row in rows if "jane.doe@home.example" in row.values()]


def test_findings_hide_personal_values(estate):
    estate.worker("E1", personal_mail="jane.doe@home.example")
    estate.entra(id="user", employeeid="E1", usagelocation="UK")
    rows = {row["code"]: row for row in decoded(estate, "finding")}
    assert (rows["othermails_missing"]["hr_value"], rows["othermails_missing"]["entra_value"]) == ("(personal)", None)
    assert rows["usagelocation_not_iso"]["entra_value"] == "UK"


def test_skew_is_counted(estate):
    for anchor, changed in (("A", "2026-03-02 04:00:00.000000"), ("B", "2026-03-01 04:00:00.000000"), ("C", None)):
        estate.ad(immutable_id=anchor, whenchanged=changed)
        estate.entra(onpremisesimmutableid=anchor)
    (row,) = decoded(estate, "load_skew")
    assert (row["pairs"], row["pairs_in_skew"]) == (3, 1)


def test_finding_views_show_what_a_refresh_writes(estate):
    estate.entra(id="user", usagelocation=None)
    (row,) = decoded(estate, "finding_usagelocation_missing")
    assert (row["object_key"], row["attribute"], row["entra_value"]) == ("user", "usageLocation", None)


A_DAY = 864_000_000_000  # in 100 ns


def ago(days: float) -> int:
    """So long before the load, as a FILETIME."""
    return filetime(LOADED_AT) - int(days * A_DAY)


DOMAIN = {"guid": "D", "maxpwdage": -90 * A_DAY, "max_password_days": 90, "lockout_minutes": 30, "lockoutthreshold": 10}


def test_passwords_and_lockout_by_the_domains_policy(estate):
    since = {"pwdlastset": ago(90), "pwd_last_set_day": TODAY - 90}
    estate.ad(samaccountname="old", useraccountcontrol=512, **since)
    estate.ad(samaccountname="just", useraccountcontrol=512, pwdlastset=ago(90) + 1, pwd_last_set_day=TODAY - 90)
    estate.ad(samaccountname="never", useraccountcontrol=66048, **since)
    estate.ad(samaccountname="card", useraccountcontrol=262656, **since)
    estate.ad(samaccountname="must", useraccountcontrol=512, pwdlastset=0)
    estate.ad(samaccountname="unread", useraccountcontrol=512)
    estate.ad(samaccountname="flags", useraccountcontrol=None, **since)
    estate.ad(
        samaccountname="said not", useraccountcontrol=512, msdsuseraccountcontrolcomputed=0, lockouttime=5, **since
    )
    estate.ad(samaccountname="said both", useraccountcontrol=512, msdsuseraccountcontrolcomputed=8388624)
    estate.ad(samaccountname="locked", useraccountcontrol=512, lockouttime=5, pwdlastset=ago(1), pwd_last_set_day=TODAY)
    estate.insert("ad_domain", "ad", DOMAIN)
    rows = decoded(estate, "ad_user_password")
    by_name = {row["samaccountname"]: (row["is_password_expired"], row["is_locked"]) for row in rows}
    assert by_name == {
        "old": (1, 0), "just": (0, 0), "never": (0, 0), "card": (0, 0), "must": (1, 0), "unread": (None, 0),
        "flags": (None, 0), "said not": (0, 0), "said both": (1, 1), "locked": (0, None),
    }  # fmt: skip


NO_END = -(1 << 63)
POLICY = {"max_password_days": 10, "msdsmaximumpasswordage": -10 * A_DAY, "msdslockoutduration": NO_END}


def test_what_the_policy_does_not_say_is_unknown_and_without_end_is_never(estate):
    estate.ad(samaccountname="old", useraccountcontrol=512, pwdlastset=1, pwd_last_set_day=TODAY - 5000, lockouttime=5)
    estate.ad(samaccountname="must", useraccountcontrol=512, pwdlastset=0)
    expected = {
        (None, None): {"old": (None, None), "must": (1, 0)},
        (NO_END, NO_END): {"old": (0, 1), "must": (1, 0)},
        (0, 0): {"old": (0, 1), "must": (1, 0)},
    }
    estate.insert("ad_domain", "ad", {"guid": "D"})
    for (age, duration), rows in expected.items():
        with estate.store.write() as connection:
            connection.execute(update(LOADED["ad_domain"]).values(maxpwdage=age, lockoutduration=duration))
        found = decoded(estate, "ad_user_password")
        assert {row["samaccountname"]: (row["is_password_expired"], row["is_locked"]) for row in found} == rows


def test_a_policy_of_a_day_and_a_half_is_not_one_of_a_day(estate):
    policy = DOMAIN | {"maxpwdage": -3 * A_DAY // 2, "max_password_days": 1}
    estate.insert("ad_domain", "ad", policy)
    for name, set_at in (("30 hours", ago(1.25)), ("36 hours", ago(1.5)), ("odd", -(2**63)), ("to come", 2**62)):
        estate.ad(samaccountname=name, useraccountcontrol=512, pwdlastset=set_at)
    found = {row["samaccountname"]: row["is_password_expired"] for row in decoded(estate, "ad_user_password")}
    assert found == {"30 hours": 0, "36 hours": 1, "odd": None, "to come": 0}


def test_the_fine_grained_policy_that_holds(estate):
    at = ",DC=example,DC=com"
    people = (
        "direct",
        "member",
        "nested",
        "primary",
        "primary nested",
        "plain",
        "tied",
        "local",
        "distribution",
        "odd",
    )
    for name in people:
        estate.ad(
            guid=name, samaccountname=name, distinguishedname=f"CN={name}{at}", useraccountcontrol=512,
            pwdlastset=ago(20), pwd_last_set_day=TODAY - 20,
            primarygroupid={"primary": 7001, "primary nested": 7002}.get(name),
        )  # fmt: skip
    estate.ad(guid="trust", samaccountname="trust", distinguishedname=f"CN=trust{at}", useraccountcontrol=2080)
    estate.group("Admins", 7001, member=[f"CN={name}{at}" for name in ("direct", "member", "Inner", "tied", "odd")])
    estate.group("Inner", 7002, member=[f"CN=nested{at}", f"CN=Admins{at}"])  # a cycle
    estate.group("Locals", 7003, groupType=-2147483644, member=[f"CN=local{at}"])
    estate.group("Mail", 7004, groupType=2, member=[f"CN=distribution{at}"])
    estate.insert("ad_domain", "ad", DOMAIN)

    def policy(guid: str, precedence: int, *targets: str, **values: object) -> None:
        given = POLICY | {"guid": guid, "name": guid, "msdspasswordsettingsprecedence": precedence} | values
        estate.insert("ad_password_policy", "ad", given)
        for position, target in enumerate(targets):
            key = f"CN={target}{at}".lower()
            estate.insert("ad_password_policy_target", "ad", {"guid": guid, "position": position, "target_key": key})

    policy("weak", 50, "direct", "trust")
    policy("never", 10, "Admins", max_password_days=None, msdsmaximumpasswordage=NO_END)
    policy("strict", 20, "Admins", "Locals", "Mail", "odd", "nobody")
    policy("b", 5, "tied")
    policy("a", 5, "tied")
    estate.refresh()
    rows = decoded(estate, "ad_user_password")
    found = {row["samaccountname"]: (row["policy_name"], row["is_password_expired"]) for row in rows}
    assert found == {
        "direct": ("weak", 1), "member": ("never", 0), "nested": ("never", 0), "primary": ("never", 0),
        "primary nested": ("never", 0), "plain": (None, 0), "tied": ("a", 1), "local": (None, 0),
        "distribution": (None, 0), "odd": ("strict", 1), "trust": (None, None),
    }  # fmt: skip
    (direct,) = (row for row in rows if row["samaccountname"] == "direct")
    assert (direct["max_password_days"], direct["lockout_minutes"]) == (10, None)
