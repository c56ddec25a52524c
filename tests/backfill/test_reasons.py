"""The ladder: one record for every reason, and near misses that stay items."""

from dataclasses import replace

import pytest

from recon.backfill.items import Item, Pairing, Reason
from recon.backfill.reasons import LADDER, REASON_CODES, Rules, judge, name_tokens, names_contradict
from tests.backfill.make import TODAY, ad_account, entra_account, evidence, worker

RULES = Rules("otherMails", TODAY, frozenset({"contoso.example", "contoso.local"}))

HITS = [
    ("stale_load", evidence(stale_loads=("north",))),
    ("mail_changed_recently", evidence(changed_on="2024-10-01")),
    ("in_two_scopes", evidence(other_scopes=("cloud_only",))),
    ("terminated", evidence(worker=worker(termination_day=TODAY))),
    ("terminated", evidence(worker=worker(is_active=0))),
    ("duplicate_employee_id", evidence(same_id_workers=2)),
    ("duplicate_employee_id", evidence(ad=(ad_account(), ad_account(row_id=2, guid="x")))),
    ("duplicate_employee_id", evidence(entra=(entra_account(), entra_account(row_id=8, is_guest=1)))),
    ("employee_id_differs", evidence(entra=())),
    ("employee_id_differs", evidence(ad=())),
    ("other_tenant", evidence(entra=(), pairings=(), other_tenants=("north",))),
    ("rehire_new_id", evidence(ad=(), entra=(), pairings=(), prior_accounts=("0907",))),
    ("not_synced_yet", evidence(entra=(), pairings=())),
    ("no_match", evidence(ad=(), entra=(), pairings=())),
    ("no_match", evidence(worker=worker(employeeid_key=None), ad=(), entra=(), pairings=())),
    ("guest", evidence(entra=(entra_account(is_guest=1, is_synced=None),))),
    ("cloud_only", evidence(entra=(entra_account(is_synced=0),))),
    ("cloud_only", evidence(ad=(), entra=(entra_account(is_synced=None),), pairings=())),
    ("anchor_missing", evidence(entra=(entra_account(onpremisesimmutableid=None),), pairings=(Pairing(1, 7, 3, 2),))),
    ("anchor_contradicts", evidence(ad=(), pairings=())),
    ("anchor_contradicts", evidence(entra=(entra_account(onpremisesimmutableid="q1xm5p5ztEqXwKkU8jyRvA=="),))),
    ("ambiguous", evidence(pairings=())),
    ("ambiguous", evidence(pairings=(Pairing(1, 9, 1, 2),))),
    (
        "reused_employee_id",
        evidence(
            worker=worker(hire_day=TODAY - 10),
            ad=(ad_account(givenname="Carl", sn="Dahl", displayname="Carl Dahl"),),
            entra=(entra_account(givenname="Carl", surname="Dahl", displayname="Carl Dahl"),),
        ),
    ),
    ("name_contradicts", evidence(ad=(ad_account(givenname="Carl", sn="Dahl", displayname="Dahl, Carl"),))),
    ("name_contradicts", evidence(entra=(entra_account(givenname="Carl", surname="Dahl", displayname=None),))),
    ("privileged", evidence(ad=(ad_account(admincount=1),))),
    ("privileged", evidence(admin_groups=("Domain Admins",))),
    ("privileged", evidence(role_groups=("Tier 0",))),
    ("privileged", evidence(roles=("Helpdesk Administrator (eligible)",))),
    ("privileged", evidence(entra=(entra_account(ismanagementrestricted=1),))),
    ("denied_group", evidence(denied_groups=("Board",))),
    ("disabled_held", evidence(ad=(ad_account(is_enabled=0),))),
    ("disabled_held", evidence(entra=(entra_account(is_enabled=0),), worker=worker(hire_day=TODAY - 1))),
    ("unknown_value", evidence(entra=(entra_account(othermails_count=None),))),
    ("unknown_value", evidence(entra=(entra_account(is_enabled=None),))),
    ("unknown_value", evidence(entra=(entra_account(othermails_count=2),), current=("one@mail.example",))),
    ("no_value", evidence(value=None)),
    (
        "already_present",
        evidence(entra=(entra_account(othermails_count=2),), current=("x@mail.example", "Erika@Mail.example")),
    ),
    ("would_replace", evidence(entra=(entra_account(othermails_count=1),), current=("other@mail.example",))),
    ("non_ascii", evidence(value="érika@mail.example")),
    ("invalid_mail", evidence(value="erika at mail.example")),
    ("invalid_mail", evidence(value=f"e@{'a' * 60}.{'b' * 60}.{'c' * 60}.{'d' * 60}.example")),
    ("company_domain", evidence(value="erika@contoso.example")),
    ("company_domain", evidence(value="erika@mail.Contoso.example")),
    ("shared_mail", evidence(is_shared=True)),
]


@pytest.mark.parametrize(("code", "record"), HITS, ids=[f"{place}-{code}" for place, (code, _) in enumerate(HITS)])
def test_each_reason(code, record):
    verdict = judge(record, RULES)
    assert isinstance(verdict, Reason)
    assert verdict.code == code
    assert verdict.detail
    assert (verdict.worker_source, verdict.worker_id) == ("hr", "W1001")


NEAR_MISSES = {
    "sound": evidence(),
    "leaves tomorrow": evidence(worker=worker(termination_day=TODAY + 1)),
    "hired again under the same id": evidence(worker=worker(termination_day=TODAY - 90, hire_day=TODAY - 5)),
    "status unknown": evidence(worker=worker(is_active=None)),
    "old account, same name: hired again": evidence(worker=worker(hire_day=TODAY - 10)),
    "married: the first name agrees": evidence(worker=worker(last_name="Sommer", display_name="Erika Sommer")),
    "no names in HR": evidence(worker=worker(first_name=None, last_name=None, display_name=None)),
    "anchor is the objectGUID although a consistency GUID is set": evidence(
        ad=(ad_account(immutable_id="AAAAAAAAAAAAAAAAAAAAAA=="),)
    ),
    "adminCount 0": evidence(ad=(ad_account(admincount=0),)),
    "enabled in Entra, AD cannot be read": evidence(ad=(ad_account(is_enabled=None),)),
    "domain that only ends alike": evidence(value="erika@notcontoso.example"),
}


@pytest.mark.parametrize("record", NEAR_MISSES.values(), ids=NEAR_MISSES.keys())
def test_near_misses_are_items(record):
    verdict = judge(record, RULES)
    assert isinstance(verdict, Item), verdict
    assert verdict.after == (record.value,)
    assert verdict.before == ()
    assert not verdict.may_be_disabled


def test_every_rung_has_a_case_and_codes_stand_once():
    assert {code for code, _ in HITS} == {rung.code for rung in LADDER} - {
        "invalid_country",
        "too_many_values",
        "too_new",
    }
    assert len(set(REASON_CODES)) == len(REASON_CODES)
    assert all(rung.meaning.endswith(".") for rung in LADDER)


def test_an_item_carries_its_evidence():
    assert judge(evidence(), RULES) == Item(
        object_id="aaaaaaaa-0000-0000-0000-000000000001",
        upn="emaier@contoso.example",
        worker_source="hr",
        worker_id="W1001",
        employee_id="1001",
        attribute="otherMails",
        before=(),
        after=("erika@mail.example",),
        rule="anchor",
        evidence={
            "immutable_id": "q1Xm5p5zTEqXwKkU8jyRvA==",
            "ad_guid": "e66d75ab-739e-4a4c-97c0-a914f23c91bc",
            "rules_agreeing": 4,
            "hr_name": "Erika Maier",
            "ad_name": "Erika Maier",
            "entra_name": "Erika Maier",
        },
    )


@pytest.mark.parametrize("hired", [TODAY, TODAY + 30])
def test_a_disabled_prehire_is_an_item(hired):
    record = evidence(
        worker=worker(hire_day=hired, is_active=0),
        ad=(ad_account(is_enabled=0),),
        entra=(entra_account(is_enabled=0),),
    )
    verdict = judge(record, RULES)
    assert isinstance(verdict, Item)
    assert verdict.may_be_disabled


def test_a_rejected_joiner_is_terminated():
    record = evidence(worker=worker(hire_day=TODAY + 5, termination_day=TODAY - 1, is_active=0))
    assert isinstance(judge(record, RULES), Item)  # hired again later than he left
    record = evidence(worker=worker(hire_day=TODAY - 5, termination_day=TODAY - 5))
    assert judge(record, RULES).code == "terminated"


def test_usage_location():
    rules = Rules("usageLocation", TODAY)
    verdict = judge(evidence(value="DE"), rules)
    assert isinstance(verdict, Item)
    assert (verdict.attribute, verdict.after) == ("usageLocation", ("DE",))
    assert judge(evidence(value="Atlantis"), rules).code == "invalid_country"
    assert judge(evidence(value="UK"), rules).code == "invalid_country"
    assert judge(evidence(value="DE", current=("DE",)), rules).code == "already_present"
    assert judge(evidence(value="DE", current=("AT",)), rules).code == "would_replace"
    unknown = replace(evidence(value="DE"), entra=(entra_account(usagelocation_known=0),))
    assert judge(unknown, rules).code == "unknown_value"


@pytest.mark.parametrize(
    ("hr", "account", "contradict"),
    [
        (["Jörg", "Müller"], ["Joerg Mueller"], False),
        (["Jörg", "Müller"], ["Jorg Muller"], False),
        (["Łukasz", "Nowak"], ["Lukasz N."], False),
        (["Søren", "Ørsted"], ["Soren Orsted"], False),
        (["Anna", "van den Berg"], ["Karl van den Heuvel"], True),
        (["J", "Berg"], ["J", "Dahl"], True),
        (["伟", "王"], ["王伟"], True),
        (["伟", "王"], ["王"], False),
        (["Erika", "Maier"], ["MAIER, Erika (ext.)"], False),
        ([None, None], ["Carl Dahl"], False),
        (["Erika"], [None, "", "1234"], False),
    ],
)
def test_names(hr, account, contradict):
    assert names_contradict(hr, account) is contradict


def test_both_spellings_of_an_umlaut():
    assert name_tokens(["Müller"]) == {"muller", "mueller"}
    assert name_tokens(["Mu\u0308ller"]) == {"muller", "mueller"}
    assert name_tokens(["de la"]) == {"de", "la"}


def judged(mode, current, value="new@mail.example", *, ours=(), position="last", attribute="otherMails"):
    rules = replace(RULES, mode=mode, position=position, attribute=attribute)
    account = entra_account(othermails_count=len(current))
    verdict = judge(evidence(entra=(account,), current=current, value=value, ours=ours), rules)
    return verdict.code if isinstance(verdict, Reason) else verdict.after


@pytest.mark.parametrize(
    ("mode", "options", "wanted"),
    [
        ("fill", {"current": ()}, ("new@mail.example",)),
        ("fill", {"current": ("a@x.example",)}, "would_replace"),
        ("merge", {"current": ("a@x.example", "b@x.example")}, ("a@x.example", "b@x.example", "new@mail.example")),
        ("merge", {"current": ("a@x.example",), "position": "first"}, ("new@mail.example", "a@x.example")),
        ("merge", {"current": ("a@x.example", "NEW@mail.example")}, "already_present"),
        ("merge", {"current": ("a@x.example",), "value": None}, "no_value"),
        ("merge", {"current": tuple(f"a{n}@x.example" for n in range(249))}, 250),
        ("merge", {"current": tuple(f"a{n}@x.example" for n in range(250))}, "too_many_values"),
        ("replace", {"current": ("a@x.example",)}, ("new@mail.example",)),
        ("replace", {"current": ("a@x.example", "new@mail.example")}, ("new@mail.example",)),
        ("replace", {"current": ("new@mail.example",)}, "already_present"),
        ("replace", {"current": ("a@x.example",), "value": None}, "no_value"),
        ("owned", {"current": ()}, ("new@mail.example",)),
        ("owned", {"current": ("a@x.example",)}, "would_replace"),
        ("owned", {"current": ("a@x.example",), "ours": ("old@mail.example",)}, "would_replace"),
        ("owned", {"current": ("Old@mail.example",), "ours": ("old@mail.example",)}, ("new@mail.example",)),
        ("owned", {"current": ("a@x.example", "old@m.example", "b@x.example"), "ours": ("old@m.example",)},
         ("a@x.example", "new@mail.example", "b@x.example")),
        ("owned", {"current": ("a@x.example", "old@m.example"), "ours": ("old@m.example",), "value": None},
         ("a@x.example",)),
        ("owned", {"current": ("old@m.example",), "ours": ("old@m.example",), "value": None}, ()),
        ("owned", {"current": ("a@x.example",), "ours": ("old@m.example",), "value": None}, "no_value"),
        ("owned", {"current": ("new@mail.example",), "ours": ("new@mail.example",)}, "already_present"),
        ("owned", {"current": ("new@mail.example", "old@m.example"), "ours": ("old@m.example",)},
         ("new@mail.example",)),
    ],
)  # fmt: skip
def test_modes(mode, options, wanted):
    found = judged(mode, **options)
    assert (len(found) if isinstance(wanted, int) else found) == wanted


def test_a_usage_location_is_never_cleared():
    rules = replace(RULES, attribute="usageLocation", mode="owned")
    there = evidence(current=("DE",), ours=("DE",), value=None)
    assert judge(there, rules).code == "no_value"
    assert judge(replace(there, value="FR"), rules).after == ("FR",)


def test_only_replace_counts_as_replacing():
    def item(mode, before, after):
        sound = judge(evidence(), RULES)
        return replace(sound, mode=mode, before=before, after=after).is_replacing

    assert item("replace", ("a@x.example",), ("b@x.example",))
    assert not item("replace", ("B@x.example",), ("b@x.example",))
    assert not item("replace", (), ("b@x.example",))
    assert not item("owned", ("a@x.example",), ("b@x.example",))
    assert not item("merge", ("a@x.example",), ("a@x.example", "b@x.example"))


def test_a_new_account_is_left_to_the_connector():
    rules = replace(RULES, settled_at="2024-10-04 05:00:00.000000")

    def code(made, current=()):
        account = entra_account(createddatetime=made, othermails_count=len(current))
        verdict = judge(evidence(entra=(account,), current=current), rules)
        return verdict.code if isinstance(verdict, Reason) else "item"

    assert code("2024-10-04 05:00:00.000001") == "too_new"
    assert code("2024-10-04 05:00:00.000000") == "item"
    assert code(None) == "item"
    assert code("2024-10-04 06:00:00.000000", ("a@x.example",)) == "would_replace"
