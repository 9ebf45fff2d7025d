"""Benchmark: search for neighbours, prediction for snippets, and layout of the map.

Three parts: exact search among 27,000 x 256 embeddings in all four directions, one query at a time;
the five neighbours of an unseen snippet with the offline preset, in a corpus of 5,000 programs; and
the map of 13,500 programs, the first time (Numba compiles it) and again, without imports. Snippets
are variants of templates, grammar programs and Sonic Pi's own examples, which are the longest. All
embeddings are random, which costs as much as real ones.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from statistics import median

import numpy as np
import pandas as pd
import torch

from core import encoders
from core.alignment import AlignmentConfig, TrainingPairs, ValidationPairs, train
from core.corpus import Corpus
from core.encoders.score_features import compute_score_features
from core.encoders.static_analysis_encoder import compute_hashed_word_counts
from core.evaluation.joint_umap_layout import compute_joint_umap_layout
from core.evaluation.nearest_neighbours import CosineIndex
from core.programs import Program, compose_programs, generate, list_templates
from core.search.aligned_corpus import open_aligned_corpus
from core.search.corpus_encoder_records import EncoderRecord
from core.search.nearest_neighbour_queries import (
    DIRECTIONS,
    SAME_MODALITY_DIRECTIONS,
    find_neighbours,
)
from core.sonicpi import Clip, RenderResult
from core.sonicpi.interpreter.program_interpreter import ProgramInterpreter
from core.sonicpi.interpreter.ruby_parser_process import parse_program
from core.studies.retrieval_queries import SONICPI_EXAMPLES_FOLDER

SEARCHED_ROWS, DIM = 27_000, 256
CENTRE_COUNT = 200
NEIGHBOUR_COUNT = 5
QUERY_COUNT, WARM_UP_QUERIES = 60, 10
CORPUS_NAME = "bench"
CORPUS_PROGRAMS = 5_000
GRAMMAR_SNIPPETS = 60
MAX_SNIPPET_SECONDS = 0.1
CODE_ENCODER = encoders.PRESETS["offline"].code_encoder
AUDIO_ENCODER = encoders.PRESETS["offline"].audio_encoder


def run(variants: int = 2) -> list[tuple[str, str]]:
    """Measure search, snippets and the map; return (measure, value) rows.

    Parameters
    ----------
    variants : int
        Unseen snippets per template.
    """
    rng = np.random.default_rng(0)
    rows = _measure_searches(rng)
    with tempfile.TemporaryDirectory() as folder:
        previous_workspace = os.environ.get("EARSHOT_WORKSPACE")
        os.environ["EARSHOT_WORKSPACE"] = folder
        try:
            rows += _measure_snippets(rng, variants)
        finally:
            if previous_workspace is None:
                del os.environ["EARSHOT_WORKSPACE"]
            else:
                os.environ["EARSHOT_WORKSPACE"] = previous_workspace
    return rows + _measure_maps(rng)


def _measure_searches(rng: np.random.Generator) -> list[tuple[str, str]]:
    embeddings = {modality: _draw_embeddings(rng, SEARCHED_ROWS) for modality in ("code", "audio")}
    indices = {modality: CosineIndex(base) for modality, base in embeddings.items()}
    rows = []
    for direction in DIRECTIONS:
        source, target = direction.split("->")
        seconds = []
        for row in range(QUERY_COUNT):
            is_same_modality = direction in SAME_MODALITY_DIRECTIONS
            excluded_rows = np.array([row]) if is_same_modality else None
            query = embeddings[source][row : row + 1]
            started = time.perf_counter()
            indices[target].find_most_similar_rows(
                query, NEIGHBOUR_COUNT, excluded_rows=excluded_rows
            )
            seconds.append(time.perf_counter() - started)
        label = f"{direction}, {NEIGHBOUR_COUNT} of {SEARCHED_ROWS:,} x {DIM}"
        rows.append((label, _format_median_ms(seconds[WARM_UP_QUERIES:])))
    return rows


def _measure_snippets(rng: np.random.Generator, variants: int) -> list[tuple[str, str]]:
    _create_corpus(rng)
    aligned_corpus = open_aligned_corpus(Corpus.open(CORPUS_NAME))
    find_neighbours(aligned_corpus, "play 60")  # loads the encoder and the corpus
    rows = []
    for kind, snippets in _collect_snippets(variants).items():
        seconds = []
        for snippet in snippets:
            started = time.perf_counter()
            find_neighbours(aligned_corpus, snippet)
            seconds.append(time.perf_counter() - started)
        fast_count = sum(duration < MAX_SNIPPET_SECONDS for duration in seconds)
        rows += [
            (f"{kind}: snippet to neighbours, median", _format_median_ms(seconds)),
            ("  slowest", f"{1000 * max(seconds):.0f} ms"),
            (f"  within {1000 * MAX_SNIPPET_SECONDS:.0f} ms", f"{fast_count} of {len(seconds)}"),
            *_measure_steps(snippets, median(seconds)),
        ]
    return rows


def _collect_snippets(variants: int) -> dict[str, list[str]]:
    example_paths = sorted(SONICPI_EXAMPLES_FOLDER.rglob("*.rb"))
    return {
        "variants of templates": [
            program.source
            for template in list_templates()
            for program in generate(template, variants, seed=1)
        ],
        "grammar programs": [
            program.source for program in compose_programs(GRAMMAR_SNIPPETS, seed=987)
        ],
        "Sonic Pi's examples": [path.read_text(encoding="utf-8") for path in example_paths],
    }


def _measure_steps(snippets: list[str], total_seconds: float) -> list[tuple[str, str]]:
    """Measure the steps of embedding a snippet; the rest of the total is the search."""
    parse_seconds, interpret_seconds, feature_seconds = [], [], []
    for snippet in snippets:
        started = time.perf_counter()
        tree = parse_program(snippet)
        parsed = time.perf_counter()
        events = ProgramInterpreter(tree).events
        interpreted = time.perf_counter()
        compute_score_features(events)
        compute_hashed_word_counts(snippet)
        parse_seconds.append(parsed - started)
        interpret_seconds.append(interpreted - parsed)
        feature_seconds.append(time.perf_counter() - interpreted)
    steps = (parse_seconds, interpret_seconds, feature_seconds)
    search_seconds = total_seconds - sum(median(seconds) for seconds in steps)
    return [
        ("  parser (Ruby)", _format_median_ms(parse_seconds)),
        ("  static interpreter", _format_median_ms(interpret_seconds)),
        ("  features", _format_median_ms(feature_seconds)),
        ("  projection, search and loading of the results", _format_median_ms([search_seconds])),
    ]


def _create_corpus(rng: np.random.Generator) -> None:
    """Create a corpus with random embeddings, one clip and a kernel ridge alignment."""
    corpus = Corpus.create(CORPUS_NAME, seconds=0.01)
    programs = [
        Program(
            source=f"play {number}\n",
            name=f"p-{number}",
            template="t",
            role="melody",
            parameters={},
            seed=0,
        )
        for number in range(CORPUS_PROGRAMS)
    ]
    corpus.add_programs(programs)
    program_ids = [program.id for program in programs]
    samples = 0.1 * rng.uniform(-1, 1, (441, 2)).astype(np.float32)
    for program_id in program_ids:
        corpus.store_render_result(program_id, RenderResult(Clip(samples)), 0.01)
    encoder_records = {}
    for modality, encoder_id in (("code", CODE_ENCODER), ("audio", AUDIO_ENCODER)):
        spec = encoders.find_encoder_spec(encoder_id)
        embeddings = rng.normal(size=(CORPUS_PROGRAMS, spec.dim)).astype(np.float32)
        corpus.store_embeddings(encoder_id, spec.revision, program_ids, embeddings)
        record = EncoderRecord.build_record_of_installed_encoder(encoder_id, spec.dim)
        encoder_records[modality] = record.to_dict()
    corpus.set_corpus_setting("encoders", {"code": CODE_ENCODER, "audio": AUDIO_ENCODER})
    config = AlignmentConfig.from_preset("kernel_ridge")
    pairs = corpus.load_embedding_pairs(CODE_ENCODER, AUDIO_ENCODER)
    code, audio = torch.from_numpy(pairs.code_embeddings), torch.from_numpy(pairs.audio_embeddings)
    heads = train(TrainingPairs(code, audio), ValidationPairs(code[:0], audio[:0]), config).heads
    alignment_config = {
        "alignment": config.to_dict(),
        "encoders": encoder_records,
        "corpus": {"name": CORPUS_NAME, "split_seed": 0},
        "split": {"programs": {}, "unseen_templates": []},
        "versions": {},
    }
    history = pd.DataFrame({"epoch": [1], "loss": [0.0]})
    corpus.save_alignment(alignment_config, heads.get_tensors_to_save(), {"readings": []}, history)


def _measure_maps(rng: np.random.Generator) -> list[tuple[str, str]]:
    import umap  # noqa: F401 - importing it is not part of the measurement

    program_count = SEARCHED_ROWS // 2
    code, audio = _draw_embeddings(rng, program_count), _draw_embeddings(rng, program_count)
    first_seconds = _measure_seconds(lambda: compute_joint_umap_layout(code, audio))
    positions = compute_joint_umap_layout(code, audio)
    again_seconds = _measure_seconds(
        lambda: compute_joint_umap_layout(code, audio, initial_positions=positions)
    )
    label = f"map of {SEARCHED_ROWS:,} x {DIM}"
    return [
        (f"{label}, first", f"{first_seconds:.1f} s"),
        (f"{label}, started from the previous map", f"{again_seconds:.1f} s"),
    ]


def _draw_embeddings(rng: np.random.Generator, row_count: int) -> np.ndarray:
    """Draw embeddings around 200 centres, as programs lie around templates: float32 [n, 256]."""
    centres = rng.normal(size=(CENTRE_COUNT, DIM))
    noise = rng.normal(size=(row_count, DIM))
    return (centres[rng.integers(CENTRE_COUNT, size=row_count)] + noise).astype(np.float32)


def _measure_seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def _format_median_ms(seconds: list[float]) -> str:
    return f"{1000 * median(seconds):.1f} ms"
