"""Generated companies: the same for the same seed, whoever asks; every class exactly as often as stated."""

import tracemalloc
from collections import Counter
from datetime import date

import pytest

from recon.errors import UsageError
from recon.lab.company import DOMAINS, TENANTS
from recon.lab.defects import DEFECTS, RATES, WITHOUT_ACCOUNT, WITHOUT_WORKER
from recon.lab.generator import GeneratedCompany
from recon.lab.group_defects import OF_THE_COMPANY
from recon.lab.rendering import account_dn

TODAY = date(2026, 3, 2)
CONTOSO = DOMAINS[0].name
TENANT = TENANTS[0].tenant_id


@pytest.fixture(scope="module")
def company():
    return GeneratedCompany(3000, seed=7, today=TODAY)


@pytest.fixture(scope="module")
def people(company):
    return list(company.people())


def test_a_person_depends_on_seed_and_index_alone(people):
    other = GeneratedCompany(2500, seed=7, today=TODAY)
    for index in (2400, 3, 999, 1000, 0):
        assert other.person(index) == people[index]


def test_another_seed_makes_other_people(people):
    other = GeneratedCompany(3000, seed=8, today=TODAY)
    same = [index for index in range(0, 3000, 50) if other.person(index).defect == people[index].defect is not None]
    assert len(same) < 10
    assert other.person(5) != people[5]


def test_exports_are_repeatable(company):
    again = GeneratedCompany(3000, seed=7, today=TODAY)
    for export, name in (("ad_entries", CONTOSO), ("graph_users", TENANT), ("graph_members", TENANT)):
        assert list(getattr(company, export)(name)) == list(getattr(again, export)(name))


def test_every_class_occurs_as_stated_in_each_thousand(people):
    for start in (0, 1000, 2000):
        counts = Counter(person.defect for person in people[start : start + 1000])
        del counts[None]
        assert counts == RATES


def test_rates_leave_ordinary_people():
    assert all(rate > 0 for rate in RATES.values())
    assert 300 <= sum(RATES.values()) <= 500


def test_numbers_follow_from_the_rates(company):
    everything = {"sign_ins": True, "next_day": True}
    planted = {code: len(rows) for code, rows in company.planted_rows(**everything).items()}
    expected: Counter[str] = Counter()
    for defect in DEFECTS:
        for said in (defect.findings or defect.code).split(", "):
            if said != "-":
                code, _, times = said.partition(" x")
                expected[code] += 3 * defect.per_mille * int(times or 1)
    assert {code: rows for code, rows in planted.items() if code not in OF_THE_COMPANY} == expected
    assert set(planted) >= OF_THE_COMPANY
    thousand = GeneratedCompany(1000, seed=7, today=TODAY).planted_rows(**everything)
    for code in OF_THE_COMPANY - {"group_empty"}:  # a company of any size has as many
        assert planted[code] == len(thousand[code]), code


def test_planted_names_are_as_many_as_rows(company):
    rows, names = company.planted_rows(), company.planted()
    for code in rows.keys() - {"joiner_without_account", "leaver_still_enabled", "sspr_hire_not_ready"}:
        assert len(names[code]) == len(rows[code]), code


def test_identities_are_unique(company, people):
    accounts = [account for person in people for account in person.ad]
    users = [user for person in people for user in person.entra]
    for values in (
        [account.guid for account in accounts],
        [account.rid for account in accounts],
        [account.sam for account in accounts],
        [account.upn for account in accounts if account.upn is not None],
        [account_dn(account, company.domains[0]) for account in accounts],
        [user.id for user in users],
        [user.upn.lower() for user in users],
    ):
        assert len(set(values)) == len(values)
    twice = [key for key, count in Counter(a.employee_id for a in accounts if a.employee_id).items() if count > 1]
    assert len(twice) == 3 * RATES["duplicate_employeeid_ad"]


def test_employee_ids_stay_apart_without_their_zeros(people):
    ids = [worker.employee_id for person in people for worker in person.workers if person.defect is None]
    assert any(text.startswith("00") for text in ids)
    assert len({text.lstrip("0") for text in ids}) == len(ids)


def test_ordinary_people_agree(people):
    for person in people:
        if person.defect is None:
            (account,), (user,), (worker,) = person.ad, person.entra, person.workers
            assert account.anchor == user.anchor
            assert account.employee_id == user.employee_id == worker.employee_id
            assert user.other_mails == [worker.personal_mail]
            assert user.enabled
            assert not person.plants


def test_classes_without_account_or_worker(people):
    for person in people:
        if person.defect is not None:
            assert (not person.ad) == (person.defect in WITHOUT_ACCOUNT), person.defect
            assert (not person.workers) == (person.defect in WITHOUT_WORKER), person.defect


def test_managers_are_accounts_of_the_domain(company):
    entries = dict(company.ad_entries(CONTOSO))
    managers = {entry["manager"][0].decode() for entry in entries.values() if "manager" in entry}
    assert len(managers) > 40
    former = {dn for dn in managers if dn.startswith("CN=Former Chief ")}
    assert managers - former <= set(entries)
    assert len(former) == 3 * RATES["manager_missing"]
    disabled = {dn for dn in managers - former if int(entries[dn]["userAccountControl"][0]) & 2}
    assert len(disabled) == 3 * RATES["manager_disabled"]
    workers = list(company.workers())
    ids = {record["WorkerID"] for record in workers}
    assert {record["ManagerID"] for record in workers} <= ids | {""}


def test_a_team_of_fifty_and_one_large_group(company):
    entries = dict(company.ad_entries(CONTOSO))
    teams = [entry for dn, entry in entries.items() if dn.startswith("CN=Team ")]
    assert len(teams) == 60
    assert max(len(entry["member"]) for entry in teams) <= 53
    assert len(entries["CN=Head office,OU=Groups,DC=contoso,DC=example"]["member"]) > 2500
    nested = entries["CN=All teams,OU=Groups,DC=contoso,DC=example"]["member"]
    assert len(nested) == 40
    assert all(member.decode() in entries for member in nested)
    names = [group["displayName"] for group in company.graph_groups(TENANT)]
    assert len([name for name in names if name.startswith("Team ")]) == 60
    assert len([name for name in names if name.startswith("Project ")]) == 15


def test_protected_groups_hold_those_planted(company):
    entries = dict(company.ad_entries(CONTOSO))
    assert (
        len(entries["CN=Domain Admins,CN=Users,DC=contoso,DC=example"]["member"])
        == 3 * (RATES["admin_count"] + RATES["privileged_leaver"]) + 1
    )  # the group inside it
    deny = entries["CN=Backfill deny list,OU=Groups,DC=contoso,DC=example"]["member"]
    assert len(deny) == 3 * RATES["denied_group_member"]


def test_privileged_users_are_those_of_their_classes(company, people):
    ids = {user.id for person in people for user in person.entra if user.is_privileged}
    assert len(ids) == 3 * (RATES["privileged_role"] + RATES["role_group_member"] + RATES["admin_count"])
    assert company.privileged(TENANT) == ids


def test_two_domains_and_tenants():
    company = GeneratedCompany(1000, domains=2, tenants=2, today=TODAY)
    for person in company.people():
        domain = person.index % 2
        assert {account.domain for account in person.ad} <= {domain}
        assert {user.tenant for user in person.entra} <= {domain}
    counts = Counter(person.defect for person in company.people())
    assert counts["othermails_missing"] == RATES["othermails_missing"]
    for domain, tenant in zip(company.domains, company.tenants, strict=True):
        entries = dict(company.ad_entries(domain.name))
        assert all(dn.endswith(domain.base_dn) for dn in entries)
        assert all(m.decode() in entries for entry in entries.values() for m in entry.get("member", ()))
        ids = {user["id"] for user in company.graph_users(tenant.tenant_id)}
        ids |= {group["id"] for group in company.graph_groups(tenant.tenant_id)}
        assert {member["id"] for _, member in company.graph_members(tenant.tenant_id)} <= ids


@pytest.mark.parametrize("people", [10, 51, 103])
@pytest.mark.parametrize("domains", [1, 2])
def test_small_companies_are_whole(people, domains):
    company = GeneratedCompany(people, domains=domains, tenants=domains, today=TODAY)
    for domain in company.domains:
        entries = dict(company.ad_entries(domain.name))
        listed = [group for group in company.groups() if group.domain == company.domains.index(domain)]
        assert len([entry for entry in entries.values() if b"group" in entry["objectClass"]]) == len(listed)
        assert len({group.key for group in company.groups()}) == len(list(company.groups()))
        assert {key for person in company.people() for key in person.groups} <= {
            group.key for group in company.groups()
        }


@pytest.mark.parametrize("people", [0, 9, 2_000_001])
def test_size_is_bounded(people):
    with pytest.raises(UsageError, match="10 to 2,000,000"):
        GeneratedCompany(people)


def test_largest_company_costs_nothing_until_asked():
    company = GeneratedCompany(2_000_000, today=TODAY)
    person = company.person(1_999_999)
    assert person.index == 1_999_999
    assert len(next(iter(company.graph_users(TENANT)))["id"]) == 36


@pytest.mark.parametrize("seed", [-1, 1 << 64])
def test_seed_is_bounded(seed):
    with pytest.raises(UsageError, match="seed"):
        GeneratedCompany(10, seed=seed)


def test_memory_does_not_grow_with_the_people():
    def peak(people: int) -> int:
        company = GeneratedCompany(people, today=TODAY)
        tracemalloc.start()
        for export in (company.ad_entries(CONTOSO), company.graph_users(TENANT), company.workers()):
            for _ in export:
                pass
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    assert peak(2_500) < peak(500) + 2_000_000  # held, 2,000 people would cost more than 10 MB
