"""Measure the dbt package on many fees: ``python -m benchmarks.dbt_scale [--copies 50]``.

Multiplies the warehouse of the demo: each copy has other ids. 50 copies of the demo's fees are
one million. Needs ``make demo`` and the environment ``.venv-dbt``.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
WAREHOUSE = ROOT / "output" / "demo" / "demo.duckdb"
PROGRAMS = ROOT / ".venv-dbt" / "bin"

# The second group of digits of each id becomes the number of the copy, also inside of objects.
MULTIPLY = r"""
import duckdb, sys
source, target, copies = sys.argv[1], sys.argv[2], int(sys.argv[3])
database = duckdb.connect(target)
database.execute(f"attach '{source}' as demo (read_only)")
database.execute("create schema smokeball")
pattern = "([0-9a-f]{8})-[0-9a-f]{4}-([0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
tables = database.execute(
    "select table_name, list((column_name, data_type) order by column_index) from duckdb_columns() "
    "where database_name = 'demo' and schema_name = 'smokeball' group by table_name"
).fetchall()
for table, columns in tables:
    values = [
        f'''cast(regexp_replace(cast("{name}" as varchar), '{pattern}',
            '\\1-' || printf('%04x', copy) || '-\\2', 'g') as {kind}) as "{name}"'''
        if kind in {"VARCHAR", "JSON"} else f'"{name}"'
        for name, kind in columns
    ]
    database.execute(
        f"create table smokeball.{table} as select {', '.join(values)} "
        f"from demo.smokeball.{table}, range({copies}) as copies(copy)"
    )
print(database.execute("select count(*) from smokeball.fees").fetchone()[0])
"""


def main() -> int:
    """Build the package twice on a multiplied warehouse, and print the times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--copies", type=int, default=50)
    copies = str(parser.parse_args().copies)
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "warehouse.duckdb"
        arguments = [str(PROGRAMS / "python"), "-c", MULTIPLY, str(WAREHOUSE), str(target), copies]
        done = subprocess.run(arguments, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our program
        sys.stdout.write(f"{int(done.stdout.split()[-1]):,} fees\n")
        for name in ("first build", "second build"):
            before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
            build(target)
            after, elapsed = (
                resource.getrusage(resource.RUSAGE_CHILDREN),
                time.monotonic() - started,
            )
            seconds = after.ru_utime - before.ru_utime
            sys.stdout.write(f"{name}: {elapsed:.0f} s, {seconds:.0f} s of CPU\n")
            for model, model_seconds in slowest(Path(folder)):
                sys.stdout.write(f"  {model_seconds:6.1f} s  {model}\n")
    return 0


def build(warehouse: Path) -> None:
    """Run ``dbt build`` on a warehouse."""
    folder = warehouse.parent
    environment = {
        **os.environ,
        "DBT_DUCKDB_PATH": str(warehouse),
        "DBT_PROFILES_DIR": str(ROOT / "dbt"),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
    }
    command = [str(PROGRAMS / "dbt"), "--quiet", "build", "--exclude-resource-type", "unit_test"]
    subprocess.run(command, check=True, cwd=ROOT / "dbt", env=environment)  # noqa: S603 - dbt


def slowest(folder: Path) -> list[tuple[str, float]]:
    """Return the five slowest nodes of the last build, and their seconds."""
    results = json.loads((folder / "target" / "run_results.json").read_bytes())["results"]
    times = [(each["unique_id"].split(".")[2], each["execution_time"]) for each in results]
    return sorted(times, key=lambda item: -item[1])[:5]


if __name__ == "__main__":
    sys.exit(main())
