"""The sample company and its exports: consistent where nothing is planted, wrong exactly where the table says so."""

import unicodedata
from collections import Counter
from datetime import date

import pytest

from recon.backfill.reasons import REASON_CODES
from recon.catalog import read_catalog
from recon.decode.guid import guid_text, immutable_id
from recon.decode.keys import fold, ou_path
from recon.decode.sid import sid_bytes, sid_text
from recon.decode.times import filetime_text, generalized_time_text, iso_text
from recon.errors import UsageError
from recon.lab.company import (
    ASK_FOR_NEXT_DAY,
    ASK_FOR_SIGN_INS,
    CLOUD_COMPANY,
    COMPANIES,
    DENY_LIST,
    DOMAINS,
    TENANTS,
)
from recon.lab.defects import BY_CODE, DEFECTS
from recon.lab.graph.schema import GROUP, USER
from recon.lab.group_defects import OF_THE_COMPANY
from recon.lab.rendering import WORKER_COLUMNS, cloud_sid, rdn_value
from recon.lab.sample import OWN, PEOPLE, SampleCompany, expected, written
from recon.sources.mim import ROLES
from recon.sources.worker_columns import ALIASES, map_columns

TODAY = date(2026, 3, 2)
CONTOSO, FABRIKAM = DOMAINS[0].name, DOMAINS[1].name
TENANT = TENANTS[0].tenant_id
FINDINGS = {statement.name for statement in read_catalog().findings}
ALL = {"sign_ins": True, "next_day": True}


@pytest.fixture(scope="module")
def company():
    return SampleCompany(today=TODAY)


@pytest.fixture(scope="module")
def entries(company):
    return dict(company.ad_entries(CONTOSO))


@pytest.fixture(scope="module")
def users(company):
    return {user["userPrincipalName"]: user for user in company.graph_users(TENANT)}


@pytest.fixture(scope="module")
def records(company):
    return list(company.workers())


def test_every_finding_is_planted(company):
    assert set(SampleCompany(domains=2, today=TODAY).planted(**ALL)) == FINDINGS
    alone = {"duplicate_samaccountname"}  # one domain refuses it
    assert set(company.planted(**ALL)) == FINDINGS - alone
    assert set(company.planted()) == FINDINGS - alone - ASK_FOR_SIGN_INS - ASK_FOR_NEXT_DAY


def test_planted_names_the_objects(company):
    planted = company.planted()
    assert planted["upn_differs"] == {
        f"{name}@contoso.onmicrosoft.example" for name in ("isil.yildiz", "ksommer", "rlaurent", "dquinn")
    }
    assert planted["upn_not_routable"] == {"katrin.sommer@ad.contoso.local"}
    assert planted["upn_missing"] == {"dquinn"}
    assert planted["duplicate_employeeid_ad"] == {"conor.murphy@contoso.example", "adm-conor.murphy@contoso.example"}
    assert planted["joiner_without_account"] == {"Begoña Ibáñez", "Sofía Castaño", "Niamh Kavanagh"}


def test_planted_rows_have_the_keys_of_the_exports(company, entries, users, records):
    guids = {guid_text(entry["objectGUID"][0]) for entry in entries.values()}
    ids = {user["id"] for user in users.values()}
    workers = {record["WorkerID"] for record in records}
    groups = {group["id"] for group in company.graph_groups(TENANT)}
    for kind, item in company.graph_deleted(TENANT):
        (groups if kind == "group" else ids).add(item["id"])
    groups |= {one["id"] for one in company.critical_groups()}
    known = {"ad_user": guids, "ad_group": guids, "entra_user": ids, "entra_group": groups, "worker": workers}
    known |= {"ad_computer": guids, "ad_contact": guids, "mim_role": set(ROLES), "sspr_policy": {"methods_required"}}
    known["mim_agent"] = {"hr"}
    rows = [row for rows in company.planted_rows(**ALL).values() for row in rows]
    assert len(rows) > 40
    assert all(key in known[kind] for kind, key in rows)


def test_each_class_has_a_person(company):
    shown = {named.code for named in PEOPLE}
    assert set(BY_CODE) - shown == {"upn_case"}  # shown by the apostrophe
    assert shown - set(BY_CODE) == set(OWN)
    assert company.defects() == Counter(named.code for named in PEOPLE)


def test_names_are_unique():
    assert len({written(named) for named in PEOPLE}) == len(PEOPLE)


def test_expected_outcomes_exist():
    outcomes = {"item", "-", *REASON_CODES}
    for _, outcome in [expected(named) for named in PEOPLE] + [("", defect.backfill) for defect in DEFECTS]:
        assert outcome.removesuffix(" x2") in outcomes
    for defect in DEFECTS:
        named = {part.removesuffix(" x2") for part in (defect.findings or defect.code).split(", ")}
        assert named <= FINDINGS | {"-"}


def test_declared_findings_are_those_planted(company):
    for named, person in zip(PEOPLE, company.people(), strict=True):
        declared = Counter()
        for part in expected(named)[0].split(", "):
            code, _, count = part.partition(" x")
            if code != "-":
                declared[code] = int(count or 1)
        assert Counter(plant.code for plant in person.plants) == declared, written(named)


def test_unknown_name(company):
    with pytest.raises(KeyError):
        company.person("Nobody Here")


# ---- what agrees ---------------------------------------------------------------------------------------------


def test_ordinary_person_agrees_everywhere(entries, users, records):
    entry = entries["CN=Alice Ashworth,OU=Leeds,OU=People,DC=contoso,DC=example"]
    user = users["alice.ashworth@contoso.example"]
    record = records[0]
    assert user["onPremisesImmutableId"] == immutable_id(entry["objectGUID"][0])
    assert user["onPremisesSecurityIdentifier"] == sid_text(entry["objectSid"][0])
    assert user["onPremisesDistinguishedName"] == "CN=Alice Ashworth,OU=Leeds,OU=People,DC=contoso,DC=example"
    assert user["onPremisesSamAccountName"].encode() == entry["sAMAccountName"][0]
    assert user["onPremisesDomainName"] == "contoso.example"
    assert user["employeeId"] == entry["employeeID"][0].decode() == record["EmployeeID"] == record["WorkerID"]
    assert user["mail"] == entry["mail"][0].decode() == record["EmailAddress"] == "alice.ashworth@contoso.example"
    assert [value.decode() for value in entry["proxyAddresses"]] == user["proxyAddresses"]
    assert user["onPremisesExtensionAttributes"]["extensionAttribute1"] == entry["extensionAttribute1"][0].decode()
    assert user["onPremisesExtensionAttributes"]["extensionAttribute15"] is None
    assert user["otherMails"] == [record["PersonalEmail"]]
    assert user["usageLocation"] == entry["c"][0].decode() == record["CountryCode"] == "GB"
    assert (user["accountEnabled"], entry["userAccountControl"]) == (True, [b"512"])
    assert record["Company"] in COMPANIES


def test_consistency_guid_is_the_anchor_where_there_is_one(company):
    person = company.person("Chloé Dupré")
    account = person.ad[0]
    assert account.consistency_guid is None
    account.consistency_guid = bytes(16)
    assert account.anchor == "AAAAAAAAAAAAAAAAAAAAAA=="


def test_changes_lie_well_before_today(entries, users):
    changed = {
        generalized_time_text(entry["whenChanged"][0].decode())[:10]
        for entry in entries.values()
        if b"person" in entry["objectClass"]
    }
    assert max(changed) < "2026-03-01"
    synced = {name: user["onPremisesLastSyncDateTime"] for name, user in users.items()}
    assert [name for name, at in synced.items() if at and at >= "2026-03-02"] == ["omer.aydin@contoso.example"]


def test_today_moves_every_date_and_nothing_else(company):
    later = SampleCompany(today=date(2026, 3, 12))
    before, after = company.person("Rhys Holroyd"), later.person("Rhys Holroyd")
    assert before == after
    left = [
        next(record for record in made.workers() if record["FullName"] == "Rhys Holroyd")["TerminationDate"]
        for made in (company, later)
    ]
    assert left == ["2026-02-28", "2026-03-10"]


# ---- what is planted -------------------------------------------------------------------------------------------


def _record(records, name):
    return next(record for record in records if record["FullName"] == name)


@pytest.mark.parametrize(
    ("name", "column", "value"),
    [
        ("Rhys Holroyd", "TerminationDate", "2026-02-28"),
        ("Poppy Clegg", "TerminationDate", "2026-03-01"),
        ("Eoin Brady", "TerminationDate", "2026-03-03"),
        ("Begoña Ibáñez", "HireDate", "2026-03-16"),
        ("Théo Béranger", "HireDate", "2026-03-17"),
        ("Zofia Sikora", "HireDate", "2026-03-03"),
        ("Zofia Sikora", "WorkerStatus", "Pre-Hire"),
        ("Sören Beck", "PersonalEmail", "jörg.beck@example.net"),
        ("Oliver Bradshaw", "PersonalEmail", "bradshaw at example.net"),
        ("Burgi Egger", "PersonalEmail", "egger@contoso.example"),
        ("Anna Vogel", "PersonalEmail", "  anna.vogel@example.net "),
        ("Käthe Groß", "PersonalEmail", ""),
        ("Mia Lorenz", "JobTitle", 'Clerk,\n"special duties"'),
        ("Mason Sullivan", "WorkerType", "Contingent Worker"),
        ("芳 王", "Company", CLOUD_COMPANY),
        ("Martín Sáez", "EmployeeID", "0020777"),
        ("Iván Ordóñez", "EmployeeID", "20777"),
    ],
)
def test_records_of_hr(records, name, column, value):
    assert _record(records, name)[column] == value


def test_rehire_names_the_prior_id(company, records):
    record = _record(records, "Sofía Castaño")
    account = company.person("Sofía Castaño").ad[0]
    assert record["PriorEmployeeID"] == account.employee_id
    assert record["EmployeeID"] not in ("", account.employee_id)


def test_escaped_comma_in_the_name(entries):
    dn = next(name for name in entries if name.startswith("CN=Doe"))
    assert dn == r"CN=Doe\, Jane,OU=Denver,OU=People,DC=contoso,DC=example"
    assert entries[dn]["cn"] == [b"Doe, Jane"]
    assert ou_path(dn) == "OU=Denver,OU=People,DC=contoso,DC=example"


def test_case_twins_are_one_when_folded(company):
    ada, ida = (company.person(name).entra[0].anchor for name in ("Ada Wooler", "Ida Wooler"))
    assert ada != ida
    assert ada.lower() == ida.lower()


def test_composed_and_decomposed_mail_is_one_key(company):
    person = company.person("Zoë Brontë")
    here, there = person.ad[0].mail, person.entra[0].mail
    assert (here, there) == (unicodedata.normalize("NFC", here), unicodedata.normalize("NFD", there))
    assert here != there
    assert fold(here) == fold(there)


def test_two_ways_to_be_disabled(company):
    assert [company.person(name).ad[0].uac for name in ("Ngozi Okafor", "Saoirse Dwyer")] == [546, 514]


def test_privileged_users(company, users):
    assert company.privileged(TENANT) == {
        users[f"{name}@contoso.example"]["id"] for name in ("logan.reyes", "adaeze.eze", "meera.iyer")
    }


def test_identical_and_differing_records_of_one_worker(records):
    same = [record for record in records if record["FullName"] == "Rohan Patil"]
    differing = [record for record in records if record["FullName"] == "Kavita Rao"]
    assert len(same) == len(differing) == 2
    assert same[0] == same[1]
    assert differing[0] != differing[1]


# ---- the form of the exports -------------------------------------------------------------------------------------


def test_entries_are_raw_ldap_values(entries):
    for dn, entry in entries.items():
        assert all(type(value) is bytes and value for values in entry.values() for value in values), dn
        assert len(entry["objectGUID"][0]) == 16
        assert len(entry["objectCategory"][0].split(b",")) == 5
        generalized_time_text(entry["whenCreated"][0].decode())
        for name in ("pwdLastSet", "lastLogonTimestamp", "accountExpires"):
            for value in entry.get(name, ()):
                filetime_text(int(value))
        if "sAMAccountName" in entry:
            assert len(entry["sAMAccountName"][0]) <= 20 or b"group" in entry["objectClass"] or "Ιωάννου" in dn
            assert sid_text(entry["objectSid"][0]).startswith(DOMAINS[0].sid + "-")


def test_names_and_numbers_of_a_domain_are_unique(entries):
    for name in ("objectGUID", "objectSid", "sAMAccountName", "uSNChanged", "userPrincipalName"):
        values = [entry[name][0] for entry in entries.values() if name in entry]
        assert len(set(values)) == len(values), name


def test_domain_has_head_folders_and_every_kind(company, entries):
    assert next(iter(entries)) == "DC=contoso,DC=example"
    assert entries["DC=contoso,DC=example"]["objectSid"] == [sid_bytes(DOMAINS[0].sid)]
    kinds = Counter(entry["objectClass"][-1].decode() for entry in entries.values())
    assert kinds["computer"] >= 3
    assert kinds["contact"] == (len(PEOPLE) + 94) // 100 + 2  # and two that no mail reaches
    assert kinds["user"] == 3 + sum(len(person.ad) for person in company.people())
    for dn in list(entries)[1:]:
        assert ou_path(dn) in entries, dn


def test_members_exist(company, entries, users):
    groups = {group["id"]: group for group in company.graph_groups(TENANT)}
    by_id = {user["id"]: user for user in users.values()}
    for dn, entry in entries.items():
        for member in entry.get("member", ()):
            assert member.decode() in entries, dn
    members = list(company.graph_members(TENANT))
    assert len(members) == len({(group, member["id"]) for group, member in members})
    for group_id, member in members:
        if member["@odata.type"] == "#microsoft.graph.group":
            assert member["id"] in groups
        elif groups[group_id]["onPremisesSyncEnabled"]:
            assert by_id[member["id"]]["onPremisesSyncEnabled"] is True
    deny = next(key for key, group in groups.items() if group["displayName"] == DENY_LIST)
    assert [by_id[m["id"]]["displayName"] for g, m in members if g == deny] == ["Tuấn Phạm"]
    admins = entries["CN=Domain Admins,CN=Users,DC=contoso,DC=example"]
    assert admins["member"] == [
        b"CN=Meera Iyer,OU=Pune,OU=People,DC=contoso,DC=example",
        b"CN=Ifeoma Obi,OU=Leavers,DC=contoso,DC=example",
        b"CN=Server operations,OU=Groups,DC=contoso,DC=example",
    ]
    assert "Domain Admins" not in {group["displayName"] for group in groups.values()}


def test_users_have_every_property_of_graph(users):
    for user in users.values():
        assert set(user) == set(USER.columns)
        assert all(isinstance(user[name], list) for name in USER.arrays)
        iso_text(user["createdDateTime"])


def test_groups_have_the_properties_of_graph(company):
    groups = list(company.graph_groups(TENANT))
    assert {group["displayName"] for group in groups} >= {DENY_LIST, "Head office", "Helpdesk operators"}
    for group in groups:
        assert set(GROUP.defaults) <= set(group) <= set(GROUP.columns)
    assert [group["displayName"] for group in groups if group["isAssignableToRole"]] == ["Helpdesk operators"]


def test_headers_of_the_extract_are_known(records):
    found = map_columns(WORKER_COLUMNS, {}, "workers.csv")
    assert set(found) == set(ALIASES)
    assert all(tuple(record) == WORKER_COLUMNS for record in records)


def test_cloud_sid():
    assert cloud_sid("01020304-0506-0708-090a-0b0c0d0e0f10") == "S-1-12-1-16909060-117966086-202050057-269422093"


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("Doe", "Doe"),
        ("Doe, Jane", r"Doe\, Jane"),
        ("a+b", r"a\+b"),
        (r"a\b", r"a\\b"),
        ("#1", r"\#1"),
        (" x ", r"\ x\ "),
        ("O'Brien", "O'Brien"),
    ],
)
def test_names_are_escaped(text, escaped):
    assert rdn_value(text) == escaped


# ---- several domains and tenants -------------------------------------------------------------------------------


def test_two_domains_and_tenants_share_the_people():
    company = SampleCompany(domains=2, tenants=2, today=TODAY)
    first, second = (dict(company.ad_entries(name)) for name in (CONTOSO, FABRIKAM))
    assert "CN=Alice Ashworth,OU=Leeds,OU=People,DC=contoso,DC=example" in first
    assert "CN=Jörg Müller,OU=Leipzig,OU=People,DC=fabrikam,DC=example" in second
    ids = [{user["id"] for user in company.graph_users(tenant.tenant_id)} for tenant in company.tenants]
    assert ids[0]
    assert ids[1]
    assert not ids[0] & ids[1]
    planted, alone = company.planted_rows(), SampleCompany(today=TODAY).planted_rows()
    assert set(planted) == set(alone)
    for code in set(planted) - OF_THE_COMPANY:
        assert len(planted[code]) == len(alone[code]), code


def test_two_domains_may_feed_one_tenant():
    company = SampleCompany(domains=2, today=TODAY)
    users = list(company.graph_users(TENANT))
    assert {user["onPremisesDomainName"] for user in users} == {CONTOSO, FABRIKAM, None}


def test_two_tenants_need_two_domains():
    with pytest.raises(UsageError, match="two tenants need two domains"):
        SampleCompany(tenants=2)


@pytest.mark.parametrize("count", [0, 3])
def test_one_or_two_domains(count):
    with pytest.raises(UsageError):
        SampleCompany(domains=count)


def test_unknown_domain_and_tenant(company):
    with pytest.raises(UsageError, match="no domain fabrikam"):
        list(company.ad_entries(FABRIKAM))
    with pytest.raises(UsageError, match="no tenant"):
        list(company.graph_users(TENANTS[1].tenant_id))
