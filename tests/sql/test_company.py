"""Invented companies, read over sockets: every finding shows exactly the rows that were planted, and no other."""

import pytest
from sqlalchemy import insert

from recon.config import load_config
from recon.findings import rows
from recon.lab.company import Company
from recon.lab.generator import GeneratedCompany
from recon.lab.sample import SampleCompany
from recon.lab.up import Lab
from recon.pipeline.loads import load_source, sources
from recon.pipeline.steps import refresh_findings
from recon.store import Store
from recon.store.site_tables import critical_group
from tests.servers.stores import fresh_database


def found_in(company: Company, folder, url: str) -> dict[str, set[tuple[str, str | None]]]:
    """Load, refresh, and read back (object type, object key) of every finding."""
    with Lab(folder, company) as lab, Store.open(url) as store:
        config = load_config(lab.config_path)
        for kind in ("ad", "entra", "workers", "mim"):
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


def test_the_sample_company(tmp_path):
    company = SampleCompany()
    assert found_in(company, tmp_path, f"sqlite:///{tmp_path}/recon.db") == company.planted_rows()


def test_a_thousand_people_in_two_domains_and_two_tenants(tmp_path):
    company = GeneratedCompany(1000, domains=2, tenants=2)
    assert found_in(company, tmp_path, f"sqlite:///{tmp_path}/recon.db") == company.planted_rows()


@pytest.mark.postgresql
def test_a_thousand_people_on_postgresql(tmp_path, postgresql_url):
    company = GeneratedCompany(1000, seed=7)
    with fresh_database(postgresql_url) as url:
        assert found_in(company, tmp_path, url) == company.planted_rows()
