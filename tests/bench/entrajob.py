"""One read of a tenant up to the stage, in a process of its own: `python -m tests.bench.entrajob CONFIG`; tells JSON.

Seconds of wall and CPU from the first request to the last staged row; the fingerprint is that of the staged users.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

from recon.config import load_config
from recon.pipeline.loads import reading_of, tables_of
from recon.store import Store
from recon.store.load import Load
from recon.store.publish import digits
from recon.store.runs import register_source


def run(path: Path) -> dict[str, Any]:
    """Read and stage; nothing is published."""
    config = load_config(path)
    (source,) = config.entra
    with Store.configured(config, create=True) as store:
        source_id = register_source(store, "entra", source.name)
        wall, cpu = time.perf_counter(), time.process_time()
        with reading_of(config, source) as reading, Load(store, source_id, source.name, tables_of(source)) as load:
            for row in reading.rows():
                load.add(row)
            load._flush()
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            users = load._stages["entra_user"]
            return {"wall": wall, "cpu": cpu, "rows": users.rows, "fingerprint": digits(users.hash_sum)}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(run(Path(sys.argv[1]))) + "\n")
