"""How fast heads are trained, against a plain PyTorch loop, and how long a sweep takes.

Both sides train the paper's model on the same pairs, in turns, without validation. The sweep's
time is that of its 24 configurations x 5 seeds in two processes of one thread each: an epoch of
each architecture and the measuring of a run are timed so, and added up for all runs, each with
all of its epochs. Runs that stop early make it shorter. The pairs are two noisy views of one
latent space, of the offline preset's sizes: what is learnt of them says nothing.
"""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from statistics import median

import _training
import torch

from core.alignment.grid import COMMON_SETTINGS, LAYER_COUNTS, SEED_COUNT, HIDDEN_WIDTHS, list_trials

PROGRAMS = (1_350, 13_500)
SIDES = 2


def run(variants: int = 3) -> list[tuple[str, str]]:
    """Measure; return (what, value) rows.

    Parameters
    ----------
    variants : int
        How often the sides take turns, and epochs that are timed of each.
    """
    rows = [("threads of an epoch against the plain loop", str(torch.get_num_threads()))]
    for programs in PROGRAMS:
        rows += _against_plain(programs, variants)
        rows.append((f"{programs:,} programs: the whole sweep", _whole(programs, variants)))
    return rows


def _against_plain(programs: int, turns: int) -> list[tuple[str, str]]:
    ours, plain = [], []
    for _ in range(turns):
        ours.append(_training.ours(programs, turns + 1, False, {}))
        plain.append(_training.plain(programs, turns, {}))
    ratio = median(slow / fast for fast, slow in zip(ours, plain))
    name = f"{programs:,} programs"
    return [
        (f"{name}: epochs a second", f"{1 / median(ours):.2f}"),
        (f"{name}: of the plain loop", f"{1 / median(plain):.2f}"),
        (f"{name}: ratio", f"{ratio:.2f}"),
    ]


def _whole(programs: int, epochs: int) -> str:
    """Minutes of all runs, with all their epochs, in processes side by side."""
    of_each = SEED_COUNT * len(list_trials("paper")) // (len(LAYER_COUNTS) * len(HIDDEN_WIDTHS))  # of an architecture
    runs = SEED_COUNT * len(list_trials("paper"))
    seconds = 0.0
    context = multiprocessing.get_context("spawn")
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(SIDES, context) as pool:
        for layers in LAYER_COUNTS:
            for width in HIDDEN_WIDTHS:
                changes = {"layers": layers, "width": width}
                epoch = _both(pool, "ours", (programs, epochs + 1, True, changes))
                seconds += of_each * COMMON_SETTINGS["epochs"] * epoch / SIDES
        measured = _both(pool, "measuring", (programs,))
    if before is None:
        del os.environ["OMP_NUM_THREADS"]
    else:
        os.environ["OMP_NUM_THREADS"] = before
    whole = seconds + runs * measured / SIDES
    return (
        f"{whole / 60:.1f} min ({runs} runs of {COMMON_SETTINGS['epochs']} epochs,"
        f" {runs * measured / SIDES / 60:.1f} min of it measuring)"
    )


def _both(pool: ProcessPoolExecutor, what: str, arguments: tuple) -> float:
    """Mean seconds of the same work in all processes at once."""
    waiting = [pool.submit(_training.side_by_side, what, arguments) for _ in range(SIDES)]
    return sum(each.result() for each in waiting) / SIDES
