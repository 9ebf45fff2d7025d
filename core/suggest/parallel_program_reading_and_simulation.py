"""Analysis of many different programs at once, shared with other processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from core.encoders.sound_simulation_encoder import reuse_simulated_sources
from core.encoders.static_analysis_encoder import embed_program_source, reuse_program_embeddings
from core.errors import EarshotError
from core.sonicpi.interpreter.program_interpretation import (
    interpret_program,
    interpret_uncached_program,
    reuse_program_readings,
)
from core.suggest.incremental_variant_interpretation import Variant, pause_garbage_collection
from core.suggest.parallel_variant_reading_and_simulation import (
    AnalysedVariant,
    DeferredReading,
    divide_into_tasks,
    encode_variants,
    simulate_variants,
)
from core.suggest.program_analysis_process_pool import Reply, get_program_analysis_process_pool

PROGRAMS_PER_TASK = 3
MIN_SHARED_PROGRAMS = 6
"""Fewer programs are not worth the messages."""


@contextmanager
def share_program_reading_and_simulation(
    sources: Sequence[str], clip_seconds: float | None = None
) -> Iterator[None]:
    """Read, embed and simulate programs on all cores; predictions of them reuse the results.

    Parameters
    ----------
    sources : sequence of str
        Few programs are left to the predictions.
    clip_seconds : float, optional
        Length of the clips with which aspects are compared. The default simulates no aspects.

    Examples
    --------
    >>> with share_program_reading_and_simulation([f"play {note}" for note in range(50, 60)]):
    ...     len(interpret_program("play 55").events)
    1
    """
    distinct = list(dict.fromkeys(sources))
    if len(distinct) < MIN_SHARED_PROGRAMS:
        yield
        return
    with ExitStack() as stack:
        with pause_garbage_collection():
            analysed = _read_and_embed_programs(distinct)
            readings = {source: item.reading for source, item in analysed.items()}
            stack.enter_context(reuse_program_readings(readings))
            embeddings = {
                source: item.embedding
                for source, item in analysed.items()
                if item.embedding is not None
            }
            stack.enter_context(reuse_program_embeddings(embeddings))
            audible = [Variant(source) for source, item in readings.items() if not item.is_silent]
            if audible:
                sounds = simulate_variants(None, audible, readings, clip_seconds)
                stack.enter_context(
                    reuse_simulated_sources(
                        [variant.source for variant in audible],
                        sounds.features,
                        sounds.aspects,
                        clip_seconds,
                    )
                )
        yield


def _read_and_embed_programs(sources: Sequence[str]) -> dict[str, AnalysedVariant]:
    """Read and embed programs; those that cannot be read now are left out."""
    tasks = divide_into_tasks(sources, PROGRAMS_PER_TASK)

    def analyse_here(index: int) -> list[AnalysedVariant | None]:
        return [_read_and_embed_program(source) for source in tasks[index]]

    def convert_reply(index: int, reply: Reply) -> list[AnalysedVariant | None]:
        return [
            AnalysedVariant(_defer_reading(source, *values), embedding)
            for source, values, embedding in zip(
                tasks[index], reply[0]["readings"], reply[1][0], strict=True
            )
        ]

    requests = [
        {
            "program": None,
            "variants": encode_variants([Variant(source) for source in task]),
            "with_embeddings": True,
        }
        for task in tasks
    ]
    parts = get_program_analysis_process_pool().run_tasks_here_and_in_processes(
        requests, analyse_here, convert_reply
    )
    analysed = [item for part in parts for item in part]
    return {source: item for source, item in zip(sources, analysed) if item is not None}


def _read_and_embed_program(source: str) -> AnalysedVariant | None:
    try:
        reading = interpret_program(source)
        return AnalysedVariant(reading, embed_program_source(source))
    except EarshotError:  # The prediction of this program raises it again.
        return None


def _defer_reading(
    source: str, status: str, line: int | None, message: str, understood_share: float
) -> DeferredReading:
    return DeferredReading(
        status, line, message, understood_share, lambda: interpret_uncached_program(source)
    )
