"""One HR record as a row of recon.objects: ids as text, dates, country, the personal address and its mask.

A value that is not what it should be becomes NULL and a row of worker_value_defect; a record without an id, or
with one that is too long for a key, goes to load_reject with its record number.
Defects: bad_date, unknown_country, too_long, and those of recon.decode.mail for the addresses (masked there).
"""

import re
from collections.abc import Mapping

from recon import objects
from recon.config import WorkerSource
from recon.decode.country import country_code
from recon.decode.keys import EmployeeIdRules, cut_units, employee_id_key, fold, utf16_units
from recon.decode.mail import mail_defects
from recon.decode.mask import mask_mail
from recon.decode.times import date_text, day
from recon.errors import DecodeError
from recon.objects import Row

Child = tuple[str, tuple[object, ...]]

_TEXTS = (
    "user_id", "first_name", "last_name", "display_name", "worker_type", "worker_status", "personal_mail", "work_mail",
    "country", "company", "department", "cost_center", "job_title", "location", "manager_id",
)  # fmt: skip
_DATES = ("hire_date", "original_hire_date", "termination_date")
_SPLIT = re.compile(r"[;|]")
_LONGEST_ID = 64
_NO_END = "9999-12-31"  # how HR systems write that no end is set
_LONGEST_DEFECT = 1_000


class WorkerRows:
    """Turns records (header to text) into rows. `columns`: our column to its header, from map_columns."""

    def __init__(self, source: WorkerSource, columns: Mapping[str, str], ids: EmployeeIdRules) -> None:
        self._ids = ids
        self._date_format = source.date_format
        self._active = frozenset(filter(None, (fold(status) for status in source.active_statuses)))
        self._columns = dict(columns)
        self._known = frozenset(columns.values())
        table = objects.TABLES["worker"]
        self._place = table.position
        self._sizes = {column.name: column.size for column in table.columns if column.size and column.type == "text"}

    def row(self, record: Mapping[str, str], source_row: int) -> Row:
        """The row of one record, or one of load_reject. `source_row`: its number, the header is 1."""
        worker_id = self._text(record, "worker_id")
        if worker_id is None:
            return Row("load_reject", ("worker", None, source_row, "no_id", f"{self._columns['worker_id']} is empty"))
        if utf16_units(worker_id) > _LONGEST_ID:
            detail = f"{utf16_units(worker_id)} characters (UTF-16), at most {_LONGEST_ID}"
            return Row("load_reject", ("worker", cut_units(worker_id, 450), source_row, "id_too_long", detail))
        place = self._place
        values: list[object] = [None] * len(place)
        defects: dict[tuple[str, str], str | None] = {}
        written = self._text(record, "employee_id")
        # an id that does not fit is unknown; only where HR has no other is it the worker id
        employee_id = worker_id if written is None else self._sized("employee_id", written, defects)
        values[place["worker_id"]] = worker_id
        values[place["worker_key"]] = fold(worker_id, 64)
        values[place["employee_id"]] = employee_id
        values[place["employeeid_key"]] = employee_id_key(employee_id, self._ids)
        values[place["source_row"]] = source_row
        for name in _TEXTS:
            values[place[name]] = self._sized(name, self._text(record, name), defects)
        for name in _DATES:
            self._date(name, record, values, defects)
        self._derive(values, defects)
        children: list[Child] = []
        self._prior_ids(record, children, defects)
        for header, value in record.items():
            if header and header not in self._known:
                text = value.strip()
                if text:
                    children.append(("worker_attribute", (header, text)))
        for (attribute, defect), shown in defects.items():
            children.append(("worker_value_defect", (attribute, defect, shown)))
        return Row("worker", tuple(values), tuple(children))

    def _text(self, record: Mapping[str, str], column: str) -> str | None:
        header = self._columns.get(column)
        return None if header is None else record.get(header, "").strip() or None

    def _sized(self, column: str, text: str | None, defects: dict[tuple[str, str], str | None]) -> str | None:
        size = self._sizes[column]
        if text is None or 2 * len(text) <= size or utf16_units(text) <= size:
            return text
        is_mail = column in ("personal_mail", "work_mail")
        defects[column, "too_long"] = None if is_mail else text[:_LONGEST_DEFECT]
        # half an address or half an id is another person's: none is better
        if is_mail or column in ("employee_id", "manager_id", "user_id"):
            return None
        return cut_units(text, size)

    def _date(
        self, name: str, record: Mapping[str, str], values: list[object], defects: dict[tuple[str, str], str | None]
    ) -> None:
        text = self._text(record, name)
        if text is None:
            return
        try:
            written = date_text(text, self._date_format)
        except DecodeError:
            defects[name, "bad_date"] = text[:_LONGEST_DEFECT]
            return
        if name == "termination_date" and written == _NO_END:
            return
        values[self._place[name]] = written
        values[self._place[f"{name.removesuffix('_date')}_day"]] = day(written)

    def _derive(self, values: list[object], defects: dict[tuple[str, str], str | None]) -> None:
        place = self._place
        status = values[place["worker_status"]]
        if isinstance(status, str):
            # without a status the dates tell, and they are compared in SQL, where the clock is
            values[place["is_active"]] = int(fold(status) in self._active)
        country = values[place["country"]]
        if isinstance(country, str):
            code = country_code(country)
            values[place["country_code"]] = code
            if code is None:
                defects["country", "unknown_country"] = country
        for name in ("personal_mail", "work_mail"):
            mail = values[place[name]]
            if isinstance(mail, str):
                values[place[f"{name}_key"]] = fold(mail, 320)
                for defect in mail_defects(mail):
                    defects[name, defect] = mask_mail(mail)[:320]
        personal = values[place["personal_mail"]]
        if isinstance(personal, str):
            values[place["personal_mail_masked"]] = mask_mail(personal)[:320] or None
        manager = values[place["manager_id"]]
        values[place["manager_key"]] = fold(manager, 64) if isinstance(manager, str) else None

    def _prior_ids(
        self, record: Mapping[str, str], children: list[Child], defects: dict[tuple[str, str], str | None]
    ) -> None:
        text = self._text(record, "prior_ids")
        if text is None:
            return
        ids = [part.strip() for part in _SPLIT.split(text)]
        for position, prior in enumerate(filter(None, ids)):
            if utf16_units(prior) > _LONGEST_ID:
                defects["prior_ids", "too_long"] = prior[:_LONGEST_DEFECT]
                continue
            children.append(("worker_prior_id", (position, prior, employee_id_key(prior, self._ids))))
