"""Benchmark: time and memory of the metrics at the paper's size.

All metrics of 13,500 x 256 embeddings are computed one after the other in a new process. The peak
memory includes Python and torch; the memory before the first metric is printed as well.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from core.workspace import PROJECT_FOLDER

ROWS, COLUMNS = 13_500, 256
PERMUTATIONS = 10  # The time grows in proportion; tables use 200.
TIMEOUT_S = 900
MEASUREMENT_CODE = """
import json, resource, sys, time
import numpy as np
from core.evaluation.metrics_with_intervals import (
    EmbeddingComparison, _build_alignment_measures, _compute_per_program_metrics
)
from core.evaluation.null_calibration import calibrate_metric_of_row_order
from core.evaluation.single_thread_limit import limit_to_one_thread

def read_peak_mib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

n, d, permutations = map(int, sys.argv[1:])
rng = np.random.default_rng(0)
latent = rng.normal(size=(n, 16))
x, y = (latent @ rng.normal(size=(16, d)) + rng.normal(size=(n, d)) for _ in range(2))
x, y = x.astype(np.float32), y.astype(np.float32)
mib_before, seconds = read_peak_mib(), {}
templates = np.repeat(np.arange(n // 500 + 1), 500)[:n].astype(str)
comparison = EmbeddingComparison(
    "aligned", x, y, x, y, is_shared_space=True, templates=templates
)
started = time.perf_counter()
measures = _build_alignment_measures(comparison)
seconds["fit of CCA and neighbours"] = time.perf_counter() - started
for name, measure in measures.items():
    started = time.perf_counter()
    value = measure.measure(np.arange(n))
    seconds[name] = time.perf_counter() - started
    started = time.perf_counter()
    with limit_to_one_thread():
        order_metric = measure.build_order_metric()
    calibrate_metric_of_row_order(order_metric, value, n, permutations)
    del order_metric
    seconds[f"{name}, {permutations} permutations"] = time.perf_counter() - started
started = time.perf_counter()
_compute_per_program_metrics(comparison)
seconds["retrieval, all metrics"] = time.perf_counter() - started
print(json.dumps({"mib_before": mib_before, "peak_mib": read_peak_mib(), "seconds": seconds}))
"""


def run(variants: int = 1) -> list[tuple[str, str]]:
    """Measure all metrics; return (measure, value) rows.

    Parameters
    ----------
    variants : int
        Number of programs, in units of 13,500.
    """
    row_count = variants * ROWS
    result = measure_metrics(row_count)
    rows = [("embeddings", f"{row_count:,} x {COLUMNS}")]
    rows += [(name, f"{seconds:.1f} s") for name, seconds in result["seconds"].items()]
    rows.append(("peak memory", f"{result['peak_mib']:.0f} MiB"))
    rows.append(("memory before the first metric", f"{result['mib_before']:.0f} MiB"))
    return rows


def measure_metrics(
    row_count: int = ROWS, column_count: int = COLUMNS, permutations: int = PERMUTATIONS
) -> dict[str, Any]:
    """Measure the metrics and their values on permuted pairs in a new process.

    Returns
    -------
    dict
        "seconds" by metric, and memory in MiB: "mib_before" and "peak_mib".
    """
    sizes = map(str, (row_count, column_count, permutations))
    command = [sys.executable, "-c", MEASUREMENT_CODE, *sizes]
    process = subprocess.run(
        command, cwd=PROJECT_FOLDER, check=True, timeout=TIMEOUT_S, capture_output=True, text=True
    )
    return json.loads(process.stdout)
