"""Invented companies, read over sockets on two days: every finding shows exactly the rows that were planted, and no
other.
"""

import pytest
from sqlalchemy import insert

from recon.config import load_config
from recon.findings import rows
from recon.lab.company import Company
from recon.lab.generator import GeneratedCompany
from recon.lab.next_day import pass_day
from recon.lab.sample import SampleCompany
from recon.lab.up import READER_PERMISSIONS, Lab
from recon.pipeline.loads import load_source, sources
from recon.pipeline.steps import refresh_findings
from recon.store import Store
from recon.store.site_tables import critical_group
from tests.servers.stores import fresh_database


def found_in(company: Company, folder, url: str) -> dict[str, set[tuple[str, str | None]]]:
    """Load two days with their sign-ins, refresh, and read back (object type, object key) of every finding."""
    reader = (*READER_PERMISSIONS, "User-LifeCycleInfo.Read.All")
    with Lab(folder, company, sign_ins=True, reader_permissions=reader) as lab, Store.open(url) as store:
        config = load_config(lab.config_path)
        for kind in ("ad", "entra", "workers", "mim"):
            for source in sources(config, kind):
                load_source(config, store, source)
        pass_day(lab)
        for kind in ("ad", "entra"):
            for source in sources(config, kind):
                load_source(config, store, source)
        with store.write() as connection:
            connection.execute(insert(critical_group), company.critical_groups())
        done = refresh_findings(config, store)
        assert done.broken == ()
        found = {each.code: list(rows(store, each.code)) for each in done.counts}
    for code, listed in found.items():
        assert len(listed) == len(set(listed)), f"{code} shows a row twice"
    return {code: {(row.object_type, row.object_key) for row in listed} for code, listed in found.items() if listed}


def planted_in(company: Company) -> dict[str, set[tuple[str, str]]]:
    """What those two days must show."""
    return company.planted_rows(sign_ins=True, next_day=True)


@pytest.mark.parametrize("domains", [1, 2])
def test_the_sample_company(tmp_path, domains):
    company = SampleCompany(domains=domains)
    assert found_in(company, tmp_path, f"sqlite:///{tmp_path}/recon.db") == planted_in(company)


def test_a_thousand_people_in_two_domains_and_two_tenants(tmp_path):
    company = GeneratedCompany(1000, domains=2, tenants=2)
    assert found_in(company, tmp_path, f"sqlite:///{tmp_path}/recon.db") == planted_in(company)


@pytest.mark.postgresql
def test_a_thousand_people_on_postgresql(tmp_path, postgresql_url):
    company = GeneratedCompany(1000, seed=7, domains=2, tenants=2)
    with fresh_database(postgresql_url) as url:
        assert found_in(company, tmp_path, url) == planted_in(company)
