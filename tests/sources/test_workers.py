"""HR extracts to rows: CSV files as sites write them, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.config import WorkerSource
from recon.decode.keys import EmployeeIdRules
from recon.errors import ConfigError, SourceError
from recon.objects import TABLES
from recon.sources.worker_columns import map_columns
from recon.sources.worker_rows import WorkerRows
from recon.sources.workers import WorkerReading

HEADER = (
    "Worker_ID,Employee_ID,Prior_IDs,First_Name,Worker_Status,Hire_Date,Termination_Date,Home_Email,Country,Shoe Size"
)


@pytest.fixture
def read(tmp_path):
    """Reads a CSV of text or bytes; keeps the reading."""

    def run(content, *, rules=None, **options):
        file = tmp_path / "workers.csv"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        run.reading = WorkerReading(WorkerSource(file=file, **options), file, rules or EmployeeIdRules())
        return list(run.reading.rows())

    return run


def values_of(row):
    return {name: value for name, value in zip(TABLES["worker"].position, row.values, strict=True) if value is not None}


def column(rows, name):
    return [row.values[TABLES["worker"].position[name]] for row in rows]


def defects(row):
    return [values for table, values in row.children if table == "worker_value_defect"]


def test_a_full_worker(read):
    (row,) = read(
        f"{HEADER}\n 00042 ,WD-007,WD-001; WD-002|,Zoë,On Leave,2024-02-29,2027-01-31-08:00,"
        "Jane.Doe@Example.net,UK, 43 \n",
        rules=EmployeeIdRules(strip_prefix=("wd-",), strip_leading_zeros=True),
    )
    assert row.table == "worker"
    assert values_of(row) == {
        "worker_id": "00042",
        "worker_key": "00042",
        "employee_id": "WD-007",
        "employeeid_key": "7",
        "first_name": "Zoë",
        "worker_status": "On Leave",
        "is_active": 1,
        "hire_date": "2024-02-29",
        "hire_day": 19782,
        "termination_date": "2027-01-31",
        "termination_day": 20849,
        "personal_mail": "Jane.Doe@Example.net",
        "personal_mail_key": "jane.doe@example.net",
        "personal_mail_masked": "J***@E***.net",
        "country": "UK",
        "country_code": "GB",
        "source_row": 2,
    }
    assert row.children == (
        ("worker_prior_id", (0, "WD-001", "1")),
        ("worker_prior_id", (1, "WD-002", "2")),
        ("worker_attribute", ("Shoe Size", "43")),
    )
    proof = read.reading.report.table("worker")
    assert (proof.filter, proof.pages, proof.server_count) == ("workers.csv", 1, None)
    assert read.reading.report.bytes_read > 100


def test_empty_is_none(read):
    (row,) = read(f"{HEADER}\n1,,,, ,,,,,\n")
    assert values_of(row) == {
        "worker_id": "1", "worker_key": "1", "employee_id": "1", "employeeid_key": "1", "source_row": 2,
    }  # fmt: skip
    assert row.children == ()


@pytest.mark.parametrize(
    ("status", "active"),
    [
        ("Active", 1),
        (" ACTIVE ", 1),
        ("1", 1),
        ("OnLeave", 1),
        ("Terminated", 0),
        ("inactive", 0),
        ("", None),
        (" ", None),
    ],
)
def test_the_status_tells_who_is_active(read, status, active):
    assert column(read(f"WorkerID,Status\n1,{status}\n"), "is_active") == [active]


def test_the_site_names_what_is_active(read):
    rows = read("WorkerID,Status\n1,aktiv\n2,active\n", active_statuses=("Aktiv",))
    assert column(rows, "is_active") == [1, 0]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("HireDate", "2024-02-30", ("hire_date", "bad_date", "2024-02-30")),
        ("HireDate", "03/04/2023", ("hire_date", "bad_date", "03/04/2023")),
        ("Country", "Narnia", ("country", "unknown_country", "Narnia")),
        ("PersonalEmail", "jane doe@example.net", ("personal_mail", "blanks", "j***@e***.net")),
        ("PersonalEmail", "jörg@example.net", ("personal_mail", "non_ascii", "j***@e***.net")),
        ("WorkEmail", "x@", ("work_mail", "bad_domain", "***@***")),
        ("FirstName", "x" * 129, ("first_name", "too_long", "x" * 129)),
        ("ManagerID", "9" * 65, ("manager_id", "too_long", "9" * 65)),
        ("EmployeeID", "9" * 65, ("employee_id", "too_long", "9" * 65)),
        ("PriorIDs", "9" * 65, ("prior_ids", "too_long", "9" * 65)),
    ],
)
def test_a_value_that_does_not_fit_is_a_defect(read, name, value, expected):
    (row,) = read(f"WorkerID,{name}\n1,{value}\n")
    assert defects(row) == [expected]


def test_what_is_cut_and_what_is_not(read):
    (row,) = read(
        f"WorkerID,FirstName,ManagerID,EmployeeID,PersonalEmail\n1,{'x' * 129},{'9' * 65},{'8' * 65},{'a' * 330}\n"
    )
    values = values_of(row)
    assert values["first_name"] == "x" * 128
    assert {"manager_id", "manager_key", "employee_id", "employeeid_key", "personal_mail"}.isdisjoint(values)


def test_dates_in_the_sites_format(read):
    rows = read("WorkerID,HireDate\n1,03/04/2023\n2,2023-04-03\n", date_format="%d/%m/%Y")
    assert column(rows, "hire_date") == ["2023-04-03", None]


def test_the_last_day_there_is_ends_nothing(read):
    """9999-12-31 is how HR systems write that no end is set, in whatever format."""
    rows = read("WorkerID,HireDate,TerminationDate\n1,2024-02-29,9999-12-31\n2,2024-02-29,9999-12-31T23:00:00Z\n")
    assert [defects(row) for row in rows] == [[], []]
    assert column(rows, "termination_date") == column(rows, "termination_day") == [None, None]
    assert column(rows, "hire_date") == ["2024-02-29", "2024-02-29"]
    rows = read("WorkerID,TerminationDate\n1,31.12.9999\n2,30.12.9999\n", date_format="%d.%m.%Y")
    assert column(rows, "termination_date") == [None, "9999-12-30"]


def test_records_without_a_key_are_rejected_with_their_row(read):
    rows = read(f"WorkerID,FirstName\n1,a\n ,b\n{'7' * 65},c\n2,d\n")
    assert [row.table for row in rows] == ["worker", "load_reject", "load_reject", "worker"]
    assert rows[1].values == ("worker", None, 3, "no_id", "WorkerID is empty")
    assert rows[2].values == ("worker", "7" * 65, 4, "id_too_long", "65 characters (UTF-16), at most 64")
    assert column([rows[3]], "source_row") == [5]


def test_ids_are_measured_as_the_columns_of_a_server_are(read):
    """In UTF-16 units: a letter beyond the basic plane takes two."""
    fits, over = "𝟏" * 32, "𝟏" * 32 + "1"
    rows = read(f"WorkerID,PriorIDs,EmployeeID\n{fits},{fits};{over},1\n{over},,2\n{'𝟏' * 300},,3\n")
    assert [row.table for row in rows] == ["worker", "load_reject", "load_reject"]
    assert column(rows[:1], "worker_id") == [fits]
    assert [values for table, values in rows[0].children if table == "worker_prior_id"] == [(0, fits, fits)]
    assert defects(rows[0]) == [("prior_ids", "too_long", over)]
    assert rows[1].values == ("worker", over, 3, "id_too_long", "65 characters (UTF-16), at most 64")
    assert rows[2].values[1] == "𝟏" * 225


def test_duplicates_are_left_to_the_store(read):
    rows = read("WorkerID,FirstName\n1,a\n1,a\n1,b\n")
    assert column(rows, "source_row") == [2, 3, 4]


def test_quotes_and_line_breaks_inside_a_value(read):
    rows = read('WorkerID,"First\nName",Note\r\n1,"O""Brien\r\n, Zoë",=SUM(A1)\r\n\r\n2,b,\r\n')
    assert [row.children for row in rows] == [
        (("worker_attribute", ("Note", "=SUM(A1)")),),
        (),
    ]
    assert column(rows, "first_name") == ['O"Brien\r\n, Zoë', "b"]
    assert column(rows, "source_row") == [2, 3]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_marks_name_the_encoding(read, encoding):
    rows = read("WorkerID,FirstName\n1,Zoë 太郎\n".encode(encoding))
    assert column(rows, "first_name") == ["Zoë 太郎"]


def test_the_site_names_the_encoding(read):
    content = "WorkerID;FirstName\n1;Müller\n".encode("cp1252")
    with pytest.raises(SourceError, match="line 2: byte 0xFC is not UTF-8") as caught:
        read(content)
    assert caught.value.hint == 'set encoding in [workers], such as "cp1252"'
    assert column(read(content, encoding="cp1252"), "first_name") == ["Müller"]
    assert column(read("\ufeffWorkerID,FirstName\n1,ö\n", encoding="utf-8"), "first_name") == ["ö"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_in_the_header(read, delimiter):
    rows = read(f'WorkerID{delimiter}"First,;|Name"{delimiter}Country\n1{delimiter}a{delimiter}DE\n')
    assert column(rows, "country_code") == ["DE"]


@pytest.mark.parametrize(("delimiter", "text"), [("#", "#"), ("tab", "\t"), ("\\t", "\t"), ("\t", "\t")])
def test_the_site_names_the_delimiter(read, delimiter, text):
    assert column(read(f"WorkerID{text}Country\n1{text}DE\n", delimiter=delimiter), "country") == ["DE"]


def test_a_single_column_will_do(read):
    assert column(read("Worker ID\n007\n\n8\n"), "worker_id") == ["007", "8"]


def test_a_blank_header_loses_nothing(read):
    (row,) = read("WorkerID,,\n1,x,\n")
    assert row.children == (("worker_attribute", ("column 2", "x")),)


@pytest.mark.parametrize(
    ("content", "options", "kind", "message"),
    [
        ("", {}, SourceError, "the file is empty: no workers"),
        ("\n \n", {}, SourceError, "the file is empty: no workers"),
        ("WorkerID,Name\n", {}, SourceError, "a header and no workers"),
        ("WorkerID,Name\n1\n", {}, SourceError, r"record 2 \(line 2\) has 1 fields, the header has 2"),
        ('WorkerID,Name\n1,"a\nb"\n2,a,b\n', {}, SourceError, r"record 3 \(line 4\) has 3 fields, the header has 2"),
        ('WorkerID,Name\n1,"a\n', {}, SourceError, "line 2: unexpected end of data"),
        ('WorkerID,Name\n1,"a"b\n', {}, SourceError, "line 2: ',' expected after '\"'"),
        ("WorkerID,WorkerID\n1,2\n", {}, SourceError, "header 'WorkerID' stands over columns 1 and 2"),
        ("Name,Mail\na,b\n", {}, ConfigError, "no column with worker ids; the headers are Name, Mail"),
        ("WorkerID\n1\n", {"encoding": "utf-9"}, ConfigError, "encoding: 'utf-9' is not known"),
        ("WorkerID\n1\n", {"delimiter": "::"}, ConfigError, "delimiter: '::' is not one character"),
        ("WorkerID\n1\n".encode("utf-16-le"), {}, SourceError, "line 1: a NUL character"),
        (b"WorkerID\n\xff\n", {"encoding": "ascii"}, SourceError, "not ascii"),
        (b"WorkerID,Company\n1,+2AA-x\n", {"encoding": "utf-7"}, SourceError, "not utf-7"),
        (b"WorkerID\n\\ud800\n", {"encoding": "unicode_escape"}, SourceError, "not unicode_escape"),
        (b'WorkerID\n"' + b"x" * 200_000 + b'"\n', {}, SourceError, "field larger than field limit"),
    ],
)  # fmt: skip
def test_what_is_no_extract_is_refused(read, content, options, kind, message):
    with pytest.raises(kind, match=message):
        read(content, **options)


@pytest.mark.parametrize(
    "again", ["Worker_ID,First_Name,Country,", "\ufeffWorker_ID,First_Name,Country,", "Country, Worker_ID ,First_Name,"]
)
def test_joined_files_are_refused_at_the_second_header(read, again):
    with pytest.raises(SourceError, match=r"record 3 \(line 3\) is a header again: several files were joined"):
        read(f"Worker_ID,First_Name,Country,\n1,Ada,UK,\n{again}\nUK,2,Bob,\n")


def test_a_worker_named_like_a_header_is_none(read):
    rows = read("Worker_ID,First_Name,Country\n1,Ada,Country\nWorker_ID,Country,UK\nCountry,Country,Country\n")
    assert column(rows, "worker_id") == ["1", "Worker_ID", "Country"]


def test_a_file_that_is_not_there(tmp_path):
    file = tmp_path / "no.csv"
    with pytest.raises(SourceError, match=r"no\.csv: cannot be read: No such file"):
        list(WorkerReading(WorkerSource(file=file), file, EmployeeIdRules()).rows())


def test_the_columns_can_be_asked_for_alone(read, tmp_path):
    read("WorkerID,Name,X\n1,a,b\n")
    assert read.reading.columns() == {"worker_id": "WorkerID", "display_name": "Name", "employee_id": "WorkerID"}


@given(st.dictionaries(st.sampled_from(HEADER.split(",")), st.text(st.characters(exclude_categories=("Cs",)))))
def test_no_value_makes_a_load_fail(record):
    headers = HEADER.split(",")
    rows = WorkerRows(WorkerSource(file="x"), map_columns(headers, {}, "f"), EmployeeIdRules())
    row = rows.row(record, 2)
    if row.table == "load_reject":
        return
    for column_, value in zip(TABLES["worker"].columns, row.values, strict=True):
        assert value != ""
        if isinstance(value, str) and column_.size:
            assert len(value.encode("utf-16-le")) <= 2 * column_.size
    keys = [(name, values[: len(TABLES[name].key) - 1]) for name, values in row.children]
    assert len(keys) == len(set(keys))
