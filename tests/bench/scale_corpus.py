"""Benchmark: a corpus of many programs from recorded clips, in an audio store, and its pages.

Each program is a variant of a template with a number as comment. Its clip is that of the template's
first variant, rendered for a second, so every clip has a file, a row and an embedding of its own,
but their content repeats. Embeddings are those of the real encoders for the first variants, with
Gaussian noise. Clips go to tar shards in a folder. `--variants` is the number of thousand programs;
a corpus of a tenth of them is built first, to compare the cost per program.
"""

from __future__ import annotations

import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
from _big_corpus import train_with_random_map
from _dashboard import serve_dashboard
from _streamlit_client import StreamlitClient

from core import encoders, sonicpi
from core.corpus import Corpus, get_local_clip_file
from core.corpus.audio_shard_store import normalize_store_url
from core.corpus.encoded_render import EncodedRender, encode_render
from core.programs import Program, generate, list_templates
from core.search.aligned_corpus import open_aligned_corpus
from core.search.nearest_neighbour_queries import find_neighbours
from core.sonicpi import Clip

SECONDS, AUDIO_FORMAT = 1.0, "ogg"
CACHE_MB = 200
BATCH_PROGRAMS = 256
SPREAD = 0.05  # Share of an embedding's own standard deviation.
CODE_ENCODER, AUDIO_ENCODER = "sonicpi", "log-mel"
QUERY_COUNT, RERUN_COUNT, RANGE_READ_COUNT = 20, 7, 50
MAX_DRIVER_GB, MAX_RERUN_MS = 4.0, 100

Row = tuple[str, str]


@dataclass(frozen=True, eq=False)
class Recording:
    """A program with its render and embeddings, which the others of its template repeat.

    Attributes
    ----------
    program : Program
    render : EncodedRender
    code, audio : array, float32 [d]
        Embeddings by the code and the audio encoder.
    """

    program: Program
    render: EncodedRender
    code: np.ndarray
    audio: np.ndarray


def run(variants: int = 135) -> list[Row]:
    """Build both corpora and measure the larger one; return (measure, value) rows.

    Parameters
    ----------
    variants : int
        Thousand programs of the larger corpus.
    """
    program_count = 1_000 * variants
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"EARSHOT_WORKSPACE": f"{folder}/workspace", "HF_HUB_OFFLINE": "1"}
        recordings = list(_record_templates())
        rows = print_rows([("recorded clips", f"{len(recordings)} of {SECONDS:g} s")])
        for name, count in (("small", program_count // 10), ("large", program_count)):
            rows += print_rows(_measure_build(name, count, recordings, Path(folder) / "store"))
        rows += print_rows(_measure_range_reads(Corpus.open("large")))
        rows += print_rows(_measure_neighbours(recordings))
        rows += print_rows(_measure_pages())
    return rows


def print_rows(rows: list[Row]) -> list[Row]:
    """Print rows at once, because the whole benchmark takes long; return them."""
    for measure, value in rows:
        print(f"{measure}: {value}", flush=True)
    return rows


def _record_templates() -> Iterator[Recording]:
    """Render and embed the first variant of each template that sounds within the clip."""
    code_encoder = encoders.get_encoder(CODE_ENCODER)
    audio_encoder = encoders.get_encoder(AUDIO_ENCODER)
    for template in list_templates():
        (program,) = generate(template.id, 1, seed=0)
        result = sonicpi.try_render(program.source, SECONDS)
        render, clip = encode_render(result, AUDIO_FORMAT)
        if isinstance(clip, Clip):
            (code,) = code_encoder.embed([program.source])
            (audio,) = audio_encoder.embed([clip])
            yield Recording(program, render, code, audio)


def _measure_build(
    name: str, program_count: int, recordings: list[Recording], store_folder: Path
) -> list[Row]:
    """Build a corpus as a build's driver does: programs, then batches of clips and embeddings."""
    started, cpu_started = time.monotonic(), time.process_time()
    corpus = Corpus.create(name, seconds=SECONDS, audio_format=AUDIO_FORMAT)
    corpus.set_audio_store(normalize_store_url(str(store_folder)), CACHE_MB)
    rng = np.random.default_rng(0)
    with corpus.lock_for_writing(f"build {name}"):
        corpus.add_programs(_number_program(recordings, index) for index in range(program_count))
        pending = corpus.list_programs_to_render()
        for start in range(0, program_count, BATCH_PROGRAMS):
            ids = [program_id for program_id, _ in pending[start : start + BATCH_PROGRAMS]]
            batch = [recordings[(start + row) % len(recordings)] for row in range(len(ids))]
            renders = [(name, recording.render) for name, recording in zip(ids, batch)]
            corpus.store_encoded_renders(renders, SECONDS)
            for encoder_id, vectors in (
                (CODE_ENCODER, np.stack([recording.code for recording in batch])),
                (AUDIO_ENCODER, np.stack([recording.audio for recording in batch])),
            ):
                noise = SPREAD * vectors.std() * rng.standard_normal(vectors.shape)
                revision = encoders.find_encoder_spec(encoder_id).revision
                corpus.store_embeddings(encoder_id, revision, ids, vectors + noise)
        corpus.upload_clips()
    corpus.set_corpus_setting("encoders", {"code": CODE_ENCODER, "audio": AUDIO_ENCODER})
    seconds, cpu_seconds = time.monotonic() - started, time.process_time() - cpu_started
    memory_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    label = f"{program_count:,} programs"
    return [
        (f"{label}, build", f"{seconds:.0f} s"),
        (f"{label}, processor time per program", f"{1_000 * cpu_seconds / program_count:.2f} ms"),
        (f"{label}, peak memory of the driver", _format_goal(memory_gb, MAX_DRIVER_GB, "GB")),
        (f"{label}, corpus with cache", f"{_measure_folder_mb(corpus.path):,.0f} MB"),
        (f"{label}, shards", f"{_measure_folder_mb(store_folder / name):,.0f} MB"),
    ]


def _number_program(recordings: list[Recording], index: int) -> Program:
    """Return a program of its own source, which the recorded one sounds like."""
    program = recordings[index % len(recordings)].program
    return Program(
        f"{program.source}\n# {index}\n",
        f"{program.template}-{index}",
        program.template,
        seed=index,
    )


def _measure_range_reads(corpus: Corpus) -> list[Row]:
    """Fetch clips that are not in the cache, one at a time."""
    paths = [Path(path) for path in corpus.load_programs()["audio"]]
    missing = [path for path in paths if not path.exists()][:RANGE_READ_COUNT]
    if not missing:
        return [("clip from a shard", "all are in the cache")]
    durations_ms = [_measure_ms(partial(get_local_clip_file, path)) for path in missing]
    return [("clip from a shard in a folder", f"{median(durations_ms):.1f} ms")]


def _measure_neighbours(recordings: list[Recording]) -> list[Row]:
    corpus = Corpus.open("large")
    started = time.monotonic()
    train_with_random_map(corpus, np.random.default_rng(1))
    train_s = time.monotonic() - started
    started = time.monotonic()
    aligned_corpus = open_aligned_corpus(corpus)
    open_s = time.monotonic() - started
    snippets = [f"{item.program.source}\nsleep 0.3" for item in recordings[:QUERY_COUNT]]
    find_neighbours(aligned_corpus, snippets[0], 5)
    durations_ms = [
        _measure_ms(partial(find_neighbours, aligned_corpus, snippet, 5)) for snippet in snippets
    ]
    return [
        ("training, 3 epochs", f"{train_s:.0f} s"),
        ("opening of the aligned corpus", f"{open_s:.1f} s"),
        ("5 neighbours of a snippet", f"{median(durations_ms):.0f} ms"),
        ("peak memory with training", f"{resource.getrusage(0).ru_maxrss / 1e6:.1f} GB"),
    ]


def _measure_pages() -> list[Row]:
    """Measure reruns of pages; the processor time of the server is free of other work's delays."""
    rows = []
    with serve_dashboard() as dashboard, StreamlitClient(dashboard.url) as client:
        for page in ("listen", "corpus", "map"):
            first_ms = client.open_page(page)
            client.rerun()
            cpu_before = _read_processor_ms(dashboard.pid)
            rerun_ms = median(client.rerun() for _ in range(RERUN_COUNT))
            cpu_ms = (_read_processor_ms(dashboard.pid) - cpu_before) / RERUN_COUNT
            assert not client.has_failed, page
            rows += [
                (f"page {page}, first", f"{first_ms / 1_000:.1f} s"),
                (f"page {page}", _format_goal(rerun_ms, MAX_RERUN_MS, "ms")),
                (f"page {page}, processor time of the server", f"{cpu_ms:.0f} ms"),
            ]
    return rows


def _read_processor_ms(pid: int) -> float:
    """Return the processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return 1_000 * (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _measure_ms(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return 1_000 * (time.perf_counter() - started)


def _format_goal(value: float, limit: float, unit: str) -> str:
    verdict = "met" if value < limit else "missed"
    return f"{value:.3g} {unit} (goal: under {limit:g} {unit}, {verdict})"


def _measure_folder_mb(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
