"""A small estate built by hand: rows go straight into the loaded tables, with the keys a loader would write.

Times: HR was read at 00:30, AD at 01:00, Entra at 05:00 of 2 March 2026; with the usual grace of two hours the change
cut-off of Entra lies at 03:00. The clock stands at 05:20 of that day.
"""

from collections.abc import Sequence

from sqlalchemy import delete, insert, select

from recon.catalog import Catalog
from recon.config import Settings
from recon.decode.country import is_country_code
from recon.decode.keys import EmployeeIdRules, dn_key, employee_id_key, fold
from recon.decode.mask import mask_mail
from recon.decode.sid import sid_bytes
from recon.decode.times import day
from recon.findings import Refresh, refresh, rows
from recon.objects import TABLES
from recon.sources.ad import RowMaker, member_row, table_of
from recon.store import Store
from recon.store.tables import LOADED, source, source_link

TODAY = day("2026-03-02")
BEFORE = "2026-03-01 12:00:00.000000"  # before any load
AFTER_AD = "2026-03-02 02:00:00.000000"  # after the AD load began, before the change cut-off of Entra
LATE = "2026-03-02 04:00:00.000000"  # within the grace before the Entra load
_STARTED = {"workers": "00:30", "ad": "01:00", "entra": "05:00"}
_FINISHED = {"workers": "00:35", "ad": "01:10", "entra": "05:20"}


def guid(number: int) -> str:
    """A readable object id."""
    return f"{number:08d}-0000-4000-8000-000000000000"


class Estate:
    """One AD source, one tenant and one HR system, linked; more with `source`."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.sources: dict[str, int] = {}
        self._number = 0
        for name in ("ad", "entra", "workers"):
            self.source(name, name)
        self.link(("ad", "entra", "workers"))

    def source(self, name: str, kind: str, *, is_loaded: bool = True) -> None:
        """One more source."""
        key = len(self.sources) + 1
        times = {}
        if is_loaded:
            times = {
                "load_started_at": f"2026-03-02 {_STARTED[kind]}:00.000000",
                "load_finished_at": f"2026-03-02 {_FINISHED[kind]}:00.000000",
            }
        with self.store.write() as connection:
            connection.execute(insert(source).values(source_id=key, kind=kind, name=name, domain=name, **times))
        self.sources[name] = key

    def link(self, *links: Sequence[str | None]) -> None:
        """Replace the links by these (ad, entra, workers)."""
        with self.store.write() as connection:
            connection.execute(delete(source_link))
            for ad, entra, workers in links:
                connection.execute(
                    insert(source_link).values(
                        ad_source_id=self.sources.get(ad or ""),
                        entra_source_id=self.sources.get(entra or ""),
                        worker_source_id=self.sources.get(workers or ""),
                    )
                )

    def _insert(self, table: str, source_name: str, values: dict[str, object]) -> int:
        whole = {"source_id": self.sources[source_name], "run_id": 1, **values}
        if "row_hash" in LOADED[table].c:
            whole |= {"row_hash": b"\0" * 16, "loaded_at": BEFORE}
        with self.store.write() as connection:
            connection.execute(insert(LOADED[table]).values(whole))
            if "row_id" not in LOADED[table].c:
                return 0
            key = next(
                iter(LOADED[table].c[name] for name in ("guid", "id", "worker_id", "role") if name in LOADED[table].c)
            )
            found = select(LOADED[table].c.row_id).where(
                key == whole[key.name], LOADED[table].c.source_id == whole["source_id"]
            )
            return int(connection.scalar(found) or 0)

    def insert(self, table: str, source: str, values: dict[str, object]) -> int:
        """One row of any loaded table, as it is given."""
        return self._insert(table, source, values)

    def _key(self) -> str:
        self._number += 1
        return guid(self._number)

    def ad(self, source: str = "ad", **values: object) -> int:
        """One AD user; enabled and long known unless told; returns its row_id."""
        row: dict[str, object] = {
            "guid": self._key(), "useraccountcontrol": 512, "is_enabled": 1, "whencreated": BEFORE,
            "whenchanged": BEFORE, **values,
        }  # fmt: skip
        row.setdefault("distinguishedname", f"CN={row['guid']},DC=example,DC=com")
        _account_keys(row, "userprincipalname", "mail", "employeeid")
        for name, key in (("distinguishedname", "dn_key"), ("manager", "manager_key")):
            row.setdefault(key, dn_key(_text(row.get(name)), 850))
        for name in ("account_expires", "last_logon"):
            if row.get(f"{name}_at"):
                row[f"{name}_day"] = day(str(row[f"{name}_at"]))
        return self._insert("ad_user", source, row)

    def computer(self, source: str = "ad", **values: object) -> int:
        """One AD computer, enabled unless told."""
        return self._insert("ad_computer", source, {"useraccountcontrol": 4096, "is_enabled": 1, **values})

    def entry(
        self, name: str, source: str = "ad", kind: str = "user", extra: Sequence[str] = (), **attributes: object
    ) -> None:
        """One AD object as the loader would write it: user, group, computer or contact; `name` is its guid and its CN.

        Attributes by their LDAP names; a list for several values, None for none. `extra`: as [ad] attributes.
        """
        classes = [b"top", kind.encode()]
        number = {"user": b"805306368", "group": b"268435456", "computer": b"805306369", "contact": None}[kind]
        raw: dict[str, list[bytes]] = {"objectclass": classes, "objectguid": [self._key().encode()[:16]]}
        given = {"cn": name, "sAMAccountType": number, **attributes}
        if kind == "user":
            given = {"userAccountControl": 512, "whenCreated": "20260301120000.0Z", **given}
        if kind == "computer":
            given = {"userAccountControl": 4096, **given}
        for attribute, value in given.items():
            if value is not None:
                raw[attribute.lower()] = [
                    one if isinstance(one, bytes) else str(one).encode()
                    for one in (value if isinstance(value, list) else [value])
                ]
        table = table_of(raw)
        assert table is not None
        dn = f"CN={name},DC=example,DC=com"
        row = RowMaker(table, extra=extra).row(dn, raw)
        columns = [column.name for column in TABLES[table].columns]
        self._insert(table, source, dict(zip(columns, row.values, strict=True)) | {"guid": name})
        for child, values in row.children:
            its = [column.name for column in TABLES[child].columns]
            self._insert(child, source, dict(zip(its, (name, *values), strict=True)))
        for member in raw.get("member", []):
            link = member_row(name, member)
            self._insert("ad_member", source, {"guid": name, "member_dn": link.values[1], "member_key": link.values[2]})

    def group(self, name: str, rid: int, source: str = "ad", **attributes: object) -> None:
        """One AD security group with that RID (builtin below 1000 and above 543); `member`: distinguished names."""
        sid = f"S-1-5-32-{rid}" if 543 < rid < 1000 else f"S-1-5-21-1-2-3-{rid}"
        given = {"objectSid": sid_bytes(sid), "sAMAccountName": name, "groupType": -2147483646, **attributes}
        self.entry(name, source, "group", **given)

    def cloud_group(self, source: str = "entra", members: Sequence[str] = (), **values: object) -> int:
        """One Entra group, a security group of the cloud unless told; `members`: ids of users, or of groups."""
        row: dict[str, object] = {
            "id": self._key(), "securityenabled": 1, "mailenabled": 0, "is_unified": 0, "is_dynamic": 0,
            "member_count": len(members), "createddatetime": BEFORE, **values,
        }  # fmt: skip
        row["name_key"] = fold(_text(row.get("displayname")))
        row["mail_key"] = fold(_text(row.get("mail")))
        for member in members:
            self.member(str(row["id"]), member, source)
        return self._insert("entra_group", source, row)

    def member(self, group: str, member: str, source: str = "entra", kind: str = "user") -> None:
        """One direct member of an Entra group."""
        self._insert("entra_member", source, {"id": group, "member_id": member, "member_type": kind})

    def entra(self, source: str = "entra", mails: Sequence[str] | None = (), **values: object) -> int:
        """One Entra user; an enabled, synced member unless told. mails=None: not in the answer."""
        row: dict[str, object] = {
            "id": self._key(), "is_enabled": 1, "is_guest": 0, "is_synced": 1, "createddatetime": BEFORE,
            "onpremiseslastsyncdatetime": BEFORE, "usagelocation": "DE", "usagelocation_known": 1,
            "othermails_count": None if mails is None else len(mails), **values,
        }  # fmt: skip
        _account_keys(row, "userprincipalname", "mail", "employeeid")
        row_id = self._insert("entra_user", source, row)
        location = _text(row["usagelocation"])
        if location is not None and not is_country_code(location):
            defect = {"id": row["id"], "attribute": "usagelocation", "position": 0, "defect": "unknown_country"}
            self._insert("entra_value_defect", source, defect | {"value": location})
        for place, mail in enumerate(mails or ()):
            child = {
                "id": row["id"],
                "position": place,
                "value": mail,
                "value_key": fold(mail),
                "value_masked": mask_mail(mail),
            }
            self._insert("entra_user_othermail", source, child)
        return row_id

    def worker(self, worker_id: str, source: str = "workers", defects: Sequence[str] = (), **values: object) -> int:
        """One worker, active since 2020 unless told; defects are those of the personal mail."""
        row: dict[str, object] = {
            "worker_id": worker_id, "employee_id": worker_id, "is_active": 1, "hire_date": "2020-01-01",
            "display_name": f"Worker {worker_id}", **values,
        }  # fmt: skip
        row["worker_key"] = fold(worker_id)
        row["employeeid_key"] = employee_id_key(_text(row["employee_id"]), EmployeeIdRules())
        for name in ("hire", "termination"):
            if row.get(f"{name}_date"):
                row[f"{name}_day"] = day(str(row[f"{name}_date"]))
        for name in ("personal_mail", "work_mail"):
            row[f"{name}_key"] = fold(_text(row.get(name)))
        row_id = self._insert("worker", source, row)
        for defect in defects:
            self._insert(
                "worker_value_defect",
                source,
                {"worker_id": worker_id, "attribute": "personal_mail", "defect": defect, "value": row["personal_mail"]},
            )
        return row_id

    def refresh(self, catalog: Catalog | None = None, **settings: int) -> Refresh:
        """recon refresh, with the default settings unless told."""
        return refresh(self.store, Settings(**settings), catalog)

    def found(self, code: str) -> list[tuple[object, ...]]:
        """(key, name, attribute, HR, AD, Entra) of each row of a finding after a refresh, in order of the keys."""
        done = self.refresh()
        assert done.broken == ()
        assert [each.code for each in done.counts].count(code) == 1
        return self.shown(code)

    def shown(self, code: str) -> list[tuple[object, ...]]:
        """The same, as the last refresh left it."""
        return sorted((tuple(row[1:]) for row in rows(self.store, code, unmask=True)), key=in_order)


def in_order(row: Sequence[object]) -> list[str]:
    """Sort key of rows of text and None."""
    return ["" if value is None else str(value) for value in row]


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _account_keys(row: dict[str, object], upn: str, mail: str, employee: str) -> None:
    row.setdefault("upn_key", fold(_text(row.get(upn))))
    row.setdefault("mail_key", fold(_text(row.get(mail))))
    row.setdefault("employeeid_key", employee_id_key(_text(row.get(employee)), EmployeeIdRules()))
