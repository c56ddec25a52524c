"""Workers of one HR system, from a CSV extract or a Workday report, to the end or not at all.

Only streams: what is twice in the extract is found by the store, which has the record number of each row.
"""

from collections.abc import Iterator
from pathlib import Path

from recon.config import WorkerSource
from recon.decode.keys import EmployeeIdRules
from recon.errors import SourceError
from recon.objects import ReadReport, Row
from recon.sources.graph.retry import Patience
from recon.sources.worker_columns import check_headers, map_columns
from recon.sources.worker_rows import WorkerRows
from recon.sources.workers_csv import open_csv
from recon.sources.workers_raas import RaasReport


class WorkerReading:
    """One read of one HR extract. `path`: the CSV file (Config.path); None reads [workers] url instead.

    `folder`: where a relative ca_file starts. `patience`: how often the address is tried again.
    """

    def __init__(
        self,
        source: WorkerSource,
        path: Path | None,
        ids: EmployeeIdRules,
        *,
        folder: Path = Path(),
        patience: Patience | None = None,
    ) -> None:
        self.report = ReadReport()
        self._source = source
        self._path = path
        self._ids = ids
        self._folder = folder
        self._patience = patience

    def rows(self) -> Iterator[Row]:
        """Every worker; raises SourceError when the extract cannot be read to its end or holds no workers."""
        return self._report_rows() if self._path is None else self._file_rows(self._path)

    def columns(self) -> dict[str, str]:
        """Our column to the header that fills it, read from the extract's header alone where it is a file.

        For a check before the first load. Raises what rows() would raise for the header.
        """
        if self._path is not None:
            return map_columns(open_csv(self._source, self._path).headers, self._source.columns, str(self._path))
        with RaasReport(self._source, folder=self._folder, patience=self._patience) as report:
            return map_columns(_all_headers(report), self._source.columns, "the report")

    def _file_rows(self, path: Path) -> Iterator[Row]:
        file = open_csv(self._source, path)
        columns = map_columns(file.headers, self._source.columns, str(path))
        proof = self.report.table("worker")
        proof.filter = path.name
        proof.pages = 1
        reader = WorkerRows(self._source, columns, self._ids)
        number = 1
        for number, record in file.records:
            yield reader.row(record, number)
        if number == 1:
            raise SourceError(f"{path}: a header and no workers", hint="check the export")
        self.report.bytes_read = path.stat().st_size

    def _report_rows(self) -> Iterator[Row]:
        proof = self.report.table("worker")
        proof.pages = 1
        with RaasReport(self._source, folder=self._folder, patience=self._patience) as report:
            # a record lacks the fields that are empty, so that only all of them tell the columns
            headers = _all_headers(report)
            self.report.requests = report.requests
            self.report.bytes_read = report.bytes_read
            if not headers:
                raise SourceError("the report holds no workers", hint="check the report and its prompts")
            reader = WorkerRows(self._source, map_columns(headers, self._source.columns, "the report"), self._ids)
            for number, record in report.records():
                yield reader.row(record, number)


def _all_headers(report: RaasReport) -> list[str]:
    headers: dict[str, None] = {}
    for _, record in report.records():
        if not headers.keys() >= record.keys():
            headers |= dict.fromkeys(record)
    check_headers(headers, "the report")
    return list(headers)
