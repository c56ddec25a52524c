"""The database in notebooks: named queries, findings, views, tables and plain SQL as pandas frames.

    import recon
    site = recon.open("recon.toml")
    site.frame("one_person", who="jane@contoso.example")

Reads only. Personal values of findings and queries are masked unless told otherwise; tables are shown as they are.
"""

import warnings
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from sqlalchemy import select, text

from recon.catalog import Catalog, read_catalog
from recon.config import Config, load_config
from recon.errors import UsageError
from recon.queries import query
from recon.store import Store
from recon.store.tables import metadata

if TYPE_CHECKING:
    import pandas as pd


class Site:
    """One recon.toml with its database open. Use as a context manager, or close() at the end."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.store = Store.configured(config)
        self.catalog: Catalog = read_catalog([config.path(folder) for folder in config.catalogue.findings])

    def frame(self, name: str, *, unmask: bool = False, **parameters: object) -> "pd.DataFrame":
        """What a named query, finding or view returns, or the rows of a table; columns are called as in SQL.

        `parameters`: those of the query (`recon sql show NAME` lists them); None is as if it were not there. What a
        query leaves out, because history does not reach back so far, is a warning (UserWarning). Raises UsageError
        for a name or parameter that does not exist, StoreError when the database refuses.
        """
        import pandas as pd

        if name in metadata.tables:
            if parameters:
                raise UsageError(f"table {name} takes no parameters")
            with self.store.read() as connection:
                return pd.read_sql(select(metadata.tables[name]), connection)
        given = {key: str(value) for key, value in parameters.items() if value is not None}
        answer = query(self.store, self.catalog.statement(name), given, unmask=unmask)
        for note in answer.notes:
            warnings.warn(note, stacklevel=2)
        return pd.DataFrame(answer.rows, columns=list(answer.columns))

    def sql(self, statement: str, **parameters: object) -> "pd.DataFrame":
        """The rows of a SELECT of your own; `:name` in it takes the parameter of that name."""
        import pandas as pd

        with self.store.read() as connection:
            return pd.read_sql(text(statement).bindparams(**parameters), connection)

    def close(self) -> None:
        """Close the database."""
        self.store.close()

    def __enter__(self) -> "Site":
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()


def open_site(path: str | Path | None = None) -> Site:
    """Open the database that a recon.toml names: the given file, else RECON_CONFIG, else ./recon.toml."""
    return Site(load_config(Path(path) if path is not None else None))
