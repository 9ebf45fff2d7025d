"""How soon neighbours are found and a map is laid out.

Exact search of 27,000 rows of 256 in the four directions, one query at a time; an unseen snippet
to its five neighbours with the offline preset, once it is loaded, in a corpus of 2,700 programs
whose vectors and heads are random; and the map of 13,500 programs, code and sound, after imports,
for the first time (numba compiles it then) and again. Rows are random: they cost what others cost.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from statistics import median

import numpy as np

from core import encoders
from core.alignment import AlignmentConfig, ProjectionHeads
from core.corpus import Corpus
from core.evaluation.map import joint_map
from core.evaluation.neighbours import CosineIndex
from core.programs import Program, generate, templates
from core.sonicpi import Clip, Rendering
from core.stages.aligned import described
from core.stages.neighbours import DIRECTIONS, WITHIN, neighbours

ROWS, DIM = 27_000, 256
CODE, AUDIO = encoders.PRESETS["offline"].code, encoders.PRESETS["offline"].audio
PROGRAMS = 2_700
NAME = "bench"


def run(variants: int = 2) -> list[tuple[str, str]]:
    """Measure; return (what, value) rows.

    Parameters
    ----------
    variants : int
        Unseen snippets of each template.
    """
    rng = np.random.default_rng(0)
    rows = _searches(rng)
    with tempfile.TemporaryDirectory() as folder:
        before = os.environ.get("EARSHOT_WORKSPACE")
        os.environ["EARSHOT_WORKSPACE"] = folder
        try:
            rows += _snippets(rng, variants)
        finally:
            if before is None:
                del os.environ["EARSHOT_WORKSPACE"]
            else:
                os.environ["EARSHOT_WORKSPACE"] = before
    return rows + _maps(rng)


def _searches(rng: np.random.Generator) -> list[tuple[str, str]]:
    sides = {side: _rows(rng, ROWS) for side in ("code", "audio")}
    indices = {side: CosineIndex(found) for side, found in sides.items()}
    rows = []
    for direction in DIRECTIONS:
        source, target = direction.split("->")
        spent = []
        for row in range(60):
            own = np.array([row]) if direction in WITHIN else None
            query = sides[source][row : row + 1]
            search = indices[target].query
            spent.append(_seconds(lambda: search(query, 5, exclude=own)))
        rows.append((f"{direction}, 5 of {ROWS:,} x {DIM}", _ms(spent[10:])))
    return rows


def _snippets(rng: np.random.Generator, variants: int) -> list[tuple[str, str]]:
    _corpus(rng)
    unseen = [p.source for t in templates() for p in generate(t, variants, seed=1)]
    neighbours(NAME, unseen[0])  # loads the encoder and the corpus
    encoder = encoders.get(CODE)
    whole = [_seconds(lambda: neighbours(NAME, source)) for source in unseen]
    reading = [_seconds(lambda: encoder.embed([source])) for source in unseen]
    return [
        ("an unseen snippet to its neighbours", _ms(whole)),
        ("of that the code encoder", _ms(reading)),
        ("the slowest of them", f"{1000 * max(whole):.0f} ms"),
    ]


def _corpus(rng: np.random.Generator) -> None:
    """A corpus of programs with random vectors, one clip, and an alignment that knows nothing."""
    corpus = Corpus.create(NAME, seconds=0.01)
    programs = [
        Program(source=f"play {n}\n", name=f"p-{n}", template="t", role="melody",
                parameters={}, seed=0)
        for n in range(PROGRAMS)
    ]  # fmt: skip
    corpus.add_programs(programs)
    ids = [each.id for each in programs]
    clip = Rendering(Clip(0.1 * rng.uniform(-1, 1, (441, 2)).astype(np.float32)))
    for each in ids:
        corpus.put_rendering(each, clip, 0.01)
    known = {}
    for side, encoder in (("code", CODE), ("audio", AUDIO)):
        entry = encoders.entry(encoder)
        vectors = rng.normal(size=(PROGRAMS, entry.dim)).astype(np.float32)
        corpus.put_embeddings(encoder, entry.revision, ids, vectors)
        known[side] = described(encoder, entry.dim)
    corpus.set_setting("encoders", {"code": CODE, "audio": AUDIO})
    config = AlignmentConfig()
    heads = ProjectionHeads(known["code"]["dim"], known["audio"]["dim"], config)
    about = {"alignment": config.to_dict(), "encoders": known,
             "corpus": {"name": NAME, "split_seed": 0},
             "split": {"programs": {}, "unseen_templates": []}, "versions": {}}  # fmt: skip
    corpus.save_alignment(about, heads.tensors(), {"readings": []}, _no_history())


def _no_history():
    import pandas as pd

    return pd.DataFrame({"epoch": [1], "loss": [0.0]})


def _maps(rng: np.random.Generator) -> list[tuple[str, str]]:
    import umap  # noqa: F401  what is measured begins after imports

    half = ROWS // 2
    before = _rows(rng, half), _rows(rng, half)
    first = _seconds(lambda: joint_map(*before))
    placed = joint_map(*before)
    again = _seconds(lambda: joint_map(*before, initial=placed))
    return [
        (f"map of {ROWS:,} x {DIM}, first", f"{first:.1f} s"),
        (f"map of {ROWS:,} x {DIM}, from that before", f"{again:.1f} s"),
    ]


def _rows(rng: np.random.Generator, n: int) -> np.ndarray:
    """Rows around 200 centres, as programs lie around their templates: float32 [n, 256]."""
    centres = rng.normal(size=(200, DIM))
    return (centres[rng.integers(200, size=n)] + rng.normal(size=(n, DIM))).astype(np.float32)


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _ms(spent: list[float]) -> str:
    return f"{1000 * median(spent):.1f} ms"
