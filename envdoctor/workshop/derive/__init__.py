"""Tables of what published wheels really need and offer, measured from the files: the program behind `matrix/derived/`.

    with progress() as show:
        done = derive(packages=PACKAGES, cache=folder, on_progress=show)
    write_tables(done.tables, matrix / "derived")

Wheels are found by uv (`index`), read in ranges or whole (`remote`), looked into without being run (`reading`, `exports`),
kept as readings (`cache`), and put side by side (`tables`).
"""

from envdoctor.workshop.derive.bar import progress, progress_bar
from envdoctor.workshop.derive.index import Target
from envdoctor.workshop.derive.run import PACKAGES, Derivation, Progress, Skipped, derive, write_tables

__all__ = [
    "PACKAGES",
    "Derivation",
    "Progress",
    "Skipped",
    "Target",
    "derive",
    "progress",
    "progress_bar",
    "write_tables",
]
