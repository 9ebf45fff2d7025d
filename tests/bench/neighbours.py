"""How soon neighbours are found and a map is laid out.

Exact search of 27,000 rows of 256 in the four directions, one query at a time; an unseen snippet
to its five neighbours with the offline preset, once it is loaded, in a corpus of 5,000 programs
whose vectors are random, by heads that were solved for on them: variants of templates, composed
programs, and the examples that Sonic Pi ships, which are the longest, with what each part takes;
and the map of 13,500 programs, code and sound, after imports, for the first time (numba compiles
it then) and again. Rows are random: they cost what others cost.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from statistics import median

import numpy as np
import torch

from core import encoders
from core.alignment import AlignmentConfig, TrainingPairs, ValidationPairs, train
from core.corpus import Corpus
from core.evaluation.map_layout import compute_joint_map
from core.evaluation.neighbours import CosineIndex
from core.encoders.score_features import compute_score_features
from core.encoders.symbolic import hash_words
from core.sonicpi.interpreter.scheduler import ProgramInterpreter
from core.sonicpi.interpreter.parser import parse_program
from core.programs import Program, compose_programs, generate, list_templates
from core.sonicpi import Clip, RenderResult
from core.search.aligned_corpus import open_aligned_corpus
from core.search.embedded_corpus import EncoderRecord
from core.search.query import DIRECTIONS, SAME_MODALITY_DIRECTIONS, find_neighbours
from core.studies.retrieval_queries import SONICPI_EXAMPLES_FOLDER

ROWS, DIM = 27_000, 256
CODE, AUDIO = encoders.PRESETS["offline"].code_encoder, encoders.PRESETS["offline"].audio_encoder
PROGRAMS = 5_000
COMPOSED = 60  # snippets
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
            own = np.array([row]) if direction in SAME_MODALITY_DIRECTIONS else None
            query = sides[source][row : row + 1]
            search = indices[target].query
            spent.append(_seconds(lambda: search(query, 5, excluded_rows=own)))
        rows.append((f"{direction}, 5 of {ROWS:,} x {DIM}", _ms(spent[10:])))
    return rows


def _snippets(rng: np.random.Generator, variants: int) -> list[tuple[str, str]]:
    _corpus(rng)
    unseen = {
        "variants of templates": [
            p.source for t in list_templates() for p in generate(t, variants, seed=1)
        ],
        "composed programs": [p.source for p in compose_programs(COMPOSED, seed=987)],
        "Sonic Pi's examples": [
            path.read_text(encoding="utf-8") for path in sorted(SONICPI_EXAMPLES_FOLDER.rglob("*.rb"))
        ],
    }
    aligned_corpus = open_aligned_corpus(Corpus.open(NAME))
    find_neighbours(aligned_corpus, "play 60")  # loads the encoder and the corpus
    rows = []
    for kind, sources in unseen.items():
        whole = [_seconds(lambda: find_neighbours(aligned_corpus, source)) for source in sources]
        within = sum(spent < 0.1 for spent in whole)
        rows += [
            (f"{kind}: a snippet to its neighbours", _ms(whole)),
            ("  the slowest", f"{1000 * max(whole):.0f} ms"),
            ("  within 100 ms", f"{within} of {len(whole)}"),
            *_parts(sources, median(whole)),
        ]
    return rows


def _parts(sources: list[str], whole: float) -> list[tuple[str, str]]:
    """What the parts take: those of reading the code, and all that comes after."""
    spent: dict[str, list[float]] = {part: [] for part in ("parse", "follow", "describe")}
    for source in sources:
        started = time.perf_counter()
        tree = parse_program(source)
        parsed = time.perf_counter()
        sounds = ProgramInterpreter(tree).events
        followed = time.perf_counter()
        compute_score_features(sounds)
        hash_words(source)
        ends = (parsed, followed, time.perf_counter())
        for part, begun, ended in zip(spent, (started, *ends), ends):
            spent[part].append(ended - begun)
    rest = whole - sum(median(each) for each in spent.values())
    return [
        ("  of that Ruby's parser", _ms(spent["parse"])),
        ("  following the program", _ms(spent["follow"])),
        ("  describing what it plays", _ms(spent["describe"])),
        ("  ridge, search, the programs found", _ms([rest])),
    ]


def _corpus(rng: np.random.Generator) -> None:
    """A corpus of programs with random vectors, one clip, and an alignment that knows nothing."""
    corpus = Corpus.create(NAME, seconds=0.01)
    programs = [
        Program(
            source=f"play {n}\n", name=f"p-{n}", template="t", role="melody", parameters={}, seed=0
        )
        for n in range(PROGRAMS)
    ]
    corpus.add_programs(programs)
    ids = [each.id for each in programs]
    clip = RenderResult(Clip(0.1 * rng.uniform(-1, 1, (441, 2)).astype(np.float32)))
    for each in ids:
        corpus.put_rendering(each, clip, 0.01)
    known = {}
    for side, encoder in (("code", CODE), ("audio", AUDIO)):
        entry = encoders.find_encoder_spec(encoder)
        vectors = rng.normal(size=(PROGRAMS, entry.dim)).astype(np.float32)
        corpus.put_embeddings(encoder, entry.revision, ids, vectors)
        known[side] = EncoderRecord.from_installed(encoder, entry.dim).to_dict()
    corpus.set_setting("encoders", {"code": CODE, "audio": AUDIO})
    config = AlignmentConfig.from_preset("kernel_ridge")
    pairs = corpus.load_embedding_pairs(CODE, AUDIO)
    code, audio = torch.from_numpy(pairs.code_embeddings), torch.from_numpy(pairs.audio_embeddings)
    heads = train(TrainingPairs(code, audio), ValidationPairs(code[:0], audio[:0]), config).heads
    about = {
        "alignment": config.to_dict(),
        "encoders": known,
        "corpus": {"name": NAME, "split_seed": 0},
        "split": {"programs": {}, "unseen_templates": []},
        "versions": {},
    }
    corpus.save_alignment(about, heads.to_tensors(), {"readings": []}, _no_history())


def _no_history():
    import pandas as pd

    return pd.DataFrame({"epoch": [1], "loss": [0.0]})


def _maps(rng: np.random.Generator) -> list[tuple[str, str]]:
    import umap  # noqa: F401  what is measured begins after imports

    half = ROWS // 2
    before = _rows(rng, half), _rows(rng, half)
    first = _seconds(lambda: compute_joint_map(*before))
    placed = compute_joint_map(*before)
    again = _seconds(lambda: compute_joint_map(*before, initial_positions=placed))
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
