"""How long the metrics take at the paper's size, and how much memory.

All metrics of 13,500 rows of 256 columns, one after the other in a process of its own; beside
each the seconds it took. The memory is the most that the process ever held, Python and torch
included, and what of it was there before the first metric.
"""

from __future__ import annotations

import json
import subprocess
import sys

from core.workspace import PROJECT_FOLDER

ROWS, COLUMNS = 13_500, 256
PROBE = """
import json, resource, sys, time
import numpy as np
from core.evaluation import metrics
from core.evaluation.metrics_table import EmbeddingComparison
from core.evaluation.metrics_table import _build_set_metrics, _compute_program_metrics

def held():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

n, d = map(int, sys.argv[1:])
rng = np.random.default_rng(0)
latent = rng.normal(size=(n, 16))
x, y = (latent @ rng.normal(size=(16, d)) + rng.normal(size=(n, d)) for _ in range(2))
x, y = x.astype(np.float32), y.astype(np.float32)
before, found = held(), {}
comparison = EmbeddingComparison("aligned", x, y, x, y, is_shared_space=True)
started = time.perf_counter()
set_metrics = _build_set_metrics(comparison)
found["fit of CCA"] = time.perf_counter() - started
for name, measure in set_metrics.items():
    started = time.perf_counter()
    measure(np.arange(n))
    found[name] = time.perf_counter() - started
started = time.perf_counter()
_compute_program_metrics(comparison)
found["all of neighbours and retrieval"] = time.perf_counter() - started
print(json.dumps({"before": before, "most": held(), "seconds": found}))
"""


def measured(rows: int = ROWS, columns: int = COLUMNS) -> dict:
    """Seconds of each metric, and MiB held "before" and at "most"."""
    command = [sys.executable, "-c", PROBE, str(rows), str(columns)]
    done = subprocess.run(
        command, cwd=PROJECT_FOLDER, check=True, timeout=900, capture_output=True, text=True
    )
    return json.loads(done.stdout)


def run(variants: int = 1) -> list[tuple[str, str]]:
    """Measure; return (what, value) rows.

    Parameters
    ----------
    variants : int
        Times 13,500 rows.
    """
    found = measured(variants * ROWS)
    rows = [("rows x columns", f"{variants * ROWS:,} x {COLUMNS}")]
    rows += [(name, f"{spent:.1f} s") for name, spent in found["seconds"].items()]
    rows.append(("most memory held", f"{found['most']:.0f} MiB"))
    rows.append(("of that before the first metric", f"{found['before']:.0f} MiB"))
    return rows
