"""Which header of an HR extract is which of our columns: the usual names of Workday and SuccessFactors, and the site's.

Headers are compared without case, blanks, underscores, hyphens and dots. Where several headers would fit one
column, the name further left in the list wins; the others stay what every unknown header is: a further attribute.
"""

import re
from collections.abc import Iterable, Mapping

from recon.decode.text import printable
from recon.errors import ConfigError, SourceError

_IGNORED = re.compile(r"[\s_\-.]+")

# our column: usual headers in their folded form, the best first
ALIASES: dict[str, tuple[str, ...]] = {
    "worker_id": (
        "workerid", "workdayid", "workerwid", "personidexternal", "personid", "personnelnumber", "contingentworkerid",
    ),
    "employee_id": ("employeeid", "employeenumber", "employeeno", "empid", "staffid"),
    "prior_ids": ("priorids", "priorid", "prioremployeeids", "prioremployeeid", "previousids", "previousemployeeid"),
    "user_id": ("userid", "username", "workdayusername", "accountname"),
    "first_name": ("firstname", "legalfirstname", "preferredfirstname", "givenname"),
    "last_name": ("lastname", "legallastname", "preferredlastname", "surname", "familyname"),
    "display_name": ("displayname", "preferredname", "fullname", "workername", "legalname", "name"),
    "worker_type": ("workertype", "employeetype", "employmenttype", "employeeclass", "personworkertype"),
    "worker_status": (
        "workerstatus", "employeestatus", "employmentstatus", "activestatus", "status", "isactive", "active",
        "emplstatus",
    ),
    "hire_date": ("hiredate", "mostrecenthiredate", "startdate", "latesthiredate", "employmentstartdate"),
    "original_hire_date": ("originalhiredate", "originalstartdate", "firsthiredate", "firstdateworked"),
    "termination_date": (
        "terminationdate", "contractenddate", "lastdayofwork", "lastdateworked", "enddate", "leavedate",
    ),
    "personal_mail": (
        "personalemail", "personalemailaddress", "personalmail", "homeemail", "homeemailaddress", "primaryhomeemail",
        "privateemail", "alternateemail",
    ),
    "work_mail": (
        "workemail", "workemailaddress", "primaryworkemail", "businessemail", "businessemailaddress", "emailwork",
        "email", "emailaddress", "workmail",
    ),
    "country": (
        "countryiso2", "countryreferencetwoletter", "countrycode", "country", "countryreference", "worklocationcountry",
        "locationcountry", "countryiso3", "countryofcompany",
    ),
    "company": ("legalentity", "company", "companycode", "legalentityname", "companyname"),
    "department": ("department", "supervisoryorganization", "departmentname", "organization"),
    "cost_center": ("costcenter", "costcentre", "costcentercode"),
    "job_title": ("jobtitle", "businesstitle", "positiontitle", "jobprofile", "title"),
    "location": ("location", "worklocation", "locationname"),
    "manager_id": ("managerid", "managerworkerid", "manageremployeeid", "supervisorid"),
}  # fmt: skip

_LONGEST_HEADER = 128  # worker_attribute.attribute


def folded_header(header: str) -> str:
    """The header as it is compared."""
    return _IGNORED.sub("", header).casefold()


def check_headers(headers: Iterable[str], where: str) -> None:
    """Raise SourceError for a header that is missing twice over: doubled, or longer than a header can be."""
    seen: dict[str, int] = {}
    for number, header in enumerate(headers, 1):
        if len(header) > _LONGEST_HEADER:
            raise SourceError(f"{where}: the header of column {number} has more than {_LONGEST_HEADER} characters")
        if header and header in seen:
            raise SourceError(f"{where}: header {printable(header)!r} stands over columns {seen[header]} and {number}")
        seen[header] = number


def map_columns(headers: Iterable[str], configured: Mapping[str, str], where: str) -> dict[str, str]:
    """Our column to the header that fills it. `configured`: [workers] columns, which win over the usual names.

    The worker id falls back to the employee id and the other way round. Raises ConfigError for a configured name
    that is not ours or not in the file, for two headers of one meaning, and without any column of ids.
    """
    names = [header for header in headers if header]
    by_folded: dict[str, list[str]] = {}
    for header in names:
        by_folded.setdefault(folded_header(header), []).append(header)
    found: dict[str, str] = {}
    for column, wanted in configured.items():
        if column not in ALIASES:
            raise ConfigError(f"[workers] columns: {column} is no column of ours", hint=f"known: {', '.join(ALIASES)}")
        found[column] = _configured(column, wanted, names, by_folded, where)
    taken = set(found.values())
    for column, aliases in ALIASES.items():
        if column in found:
            continue
        for alias in aliases:
            fitting = [header for header in by_folded.get(alias, ()) if header not in taken]
            if len(fitting) > 1:
                raise ConfigError(
                    f"{where}: {_listed(fitting)} would all be {column}", hint=f'say which: columns.{column} = "…"'
                )
            if fitting:
                found[column] = fitting[0]
                taken.add(fitting[0])
                break
    for column, other in (("worker_id", "employee_id"), ("employee_id", "worker_id")):
        if column not in found and other in found:
            found[column] = found[other]
    if "worker_id" not in found:
        raise ConfigError(
            f"{where}: no column with worker ids; the headers are {_listed(names)}",
            hint='name it in [workers]: columns.worker_id = "…"',
        )
    return found


def _configured(column: str, wanted: str, names: list[str], by_folded: Mapping[str, list[str]], where: str) -> str:
    if wanted in names:
        return wanted
    fitting = by_folded.get(folded_header(wanted), [])
    if len(fitting) == 1:
        return fitting[0]
    raise ConfigError(
        f"{where}: [workers] columns.{column} names {wanted!r}, which is no header of the file",
        hint=f"the headers are {_listed(names)}",
    )


def _listed(headers: Iterable[str]) -> str:
    shown = [printable(header[:60]) for header in headers]
    more = len(shown) - 40
    return ", ".join(shown[:40]) + (f" and {more} more" if more > 0 else "")
