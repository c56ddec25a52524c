import pytest

from recon.errors import ConfigError, SourceError
from recon.lab.rendering import WORKER_COLUMNS
from recon.sources.worker_columns import ALIASES, check_headers, folded_header, map_columns


@pytest.mark.parametrize(
    ("header", "column"),
    [
        ("WorkerID", "worker_id"),
        ("Worker_ID", "worker_id"),
        ("worker id", "worker_id"),
        ("WORKER-ID", "worker_id"),
        ("PersonalEmail", "personal_mail"),
        ("Personal_Email", "personal_mail"),
        ("Home_Email", "personal_mail"),
        ("personalEmail", "personal_mail"),
        ("CountryISO2", "country"),
        ("CountryCode", "country"),
        ("CountryReferenceTwoLetter", "country"),
        ("Worker_Type", "worker_type"),
        ("Legal_Entity", "company"),
        ("Company", "company"),
        ("Status", "worker_status"),
        ("WorkerStatus", "worker_status"),
        ("HireDate", "hire_date"),
        ("Original_Hire_Date", "original_hire_date"),
        ("TerminationDate", "termination_date"),
        ("Legal Name - First Name", None),
        ("Person Id External", "worker_id"),
    ],
)
def test_usual_headers_are_known(header, column):
    found = map_columns(["id", header], {"employee_id": "id"}, "f.csv")
    assert [name for name, of in found.items() if of == header] == ([column] if column else [])


def test_no_alias_means_two_columns():
    aliases = [alias for names in ALIASES.values() for alias in names]
    assert len(aliases) == len(set(aliases))
    assert all(folded_header(alias) == alias for alias in aliases)


def test_every_column_of_the_sample_company_is_known():
    assert set(map_columns(WORKER_COLUMNS, {}, "f").values()) == set(WORKER_COLUMNS)


def test_the_better_name_wins_and_the_other_stays():
    found = map_columns(["Worker ID", "Company", "Legal Entity"], {}, "f")
    assert found == {"worker_id": "Worker ID", "employee_id": "Worker ID", "company": "Legal Entity"}


def test_either_id_stands_for_the_other():
    assert map_columns(["Employee_ID"], {}, "f") == {"employee_id": "Employee_ID", "worker_id": "Employee_ID"}
    both = map_columns(["Employee_ID", "Worker_ID"], {}, "f")
    assert (both["worker_id"], both["employee_id"]) == ("Worker_ID", "Employee_ID")


def test_the_site_decides():
    headers = ["Mitarbeiter-Nr", "Worker_ID", "E-Mail privat"]
    found = map_columns(headers, {"worker_id": "Mitarbeiter-Nr", "personal_mail": "e mail privat"}, "f")
    assert found["worker_id"] == "Mitarbeiter-Nr"
    assert found["personal_mail"] == "E-Mail privat"


@pytest.mark.parametrize(
    ("headers", "configured", "message"),
    [
        (["Name", "Mail"], {}, "f.csv: no column with worker ids; the headers are Name, Mail"),
        (["Worker ID", "Worker_ID"], {}, "f.csv: Worker ID, Worker_ID would all be worker_id"),
        (["Worker ID"], {"worker_id": "Nr"}, r"\[workers\] columns.worker_id names 'Nr', which is no header"),
        (["Worker ID"], {"workerid": "Worker ID"}, r"\[workers\] columns: workerid is no column of ours"),
    ],
)
def test_what_does_not_fit_is_said(headers, configured, message):
    with pytest.raises(ConfigError, match=message) as caught:
        map_columns(headers, configured, "f.csv")
    assert caught.value.hint
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        (["a", "b", "a"], "header 'a' stands over columns 1 and 3"),
        (["x" * 129], "header of column 1 has more than 128"),
    ],
)
def test_headers_must_be_told_apart(headers, message):
    with pytest.raises(SourceError, match=message):
        check_headers(headers, "f.csv")
    check_headers(["a", "A"], "f.csv")
