"""Analysis of many variants of a program, shared with other processes.

The results are those of `VariantReader`, `embed_program_source`, `simulate_program_source` and
`simulate_aspects`, to the last bit, whichever process computes them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.encoders.sound_simulation_encoder import simulate_aspects, simulate_program_source
from core.encoders.static_analysis_encoder import embed_program_source
from core.sonicpi.interpreter.program_interpretation import ProgramReading, reuse_program_readings
from core.sonicpi.score_events import ScoreEvent
from core.sonicpi.sound_options_and_control_changes import OptionChange
from core.suggest.incremental_variant_interpretation import Variant, VariantReader
from core.suggest.program_analysis_process_pool import Reply, get_program_analysis_process_pool

VARIANTS_PER_TASK = 5
SOUNDS_PER_TASK = 2
SMALL_TASK_SHARE = 0.4
"""Share of the items that are in smaller tasks, which the processes take last."""
MIN_SHARED_VARIANTS = 16
"""Fewer variants are not worth the messages."""


class DeferredReading(ProgramReading):
    """The reading of another process, which keeps the events; they are read here when needed.

    Parameters
    ----------
    status, line, message, understood_share
        As in `ProgramReading`.
    read_program_here : callable
        Returns the same reading with its events.
    """

    def __init__(
        self,
        status: str,
        line: int | None,
        message: str,
        understood_share: float,
        read_program_here: Callable[[], ProgramReading],
    ):
        fields = {
            "status": status,
            "line": line,
            "message": message,
            "understood_share": understood_share,
            "_read_program_here": read_program_here,
        }
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    @property
    def has_events(self) -> bool:
        """Whether the events have been read here."""
        return "_reading_here" in self.__dict__

    def _read_once(self) -> ProgramReading:
        if not self.has_events:
            self.__dict__["_reading_here"] = self.__dict__["_read_program_here"]()
        reading: ProgramReading = self.__dict__["_reading_here"]
        return reading

    @property
    def events(self) -> list[ScoreEvent]:
        """The events, which are read once."""
        return self._read_once().events

    @property
    def mixer_changes(self) -> tuple[OptionChange, ...]:
        """The changes of the main mixer."""
        return self._read_once().mixer_changes


@dataclass(frozen=True, eq=False)
class AnalysedVariant:
    """A variant that was read.

    Attributes
    ----------
    reading : ProgramReading
    embedding : float32 [SYMBOLIC_EMBEDDING_DIM] or None
        By the encoder `sonicpi`; None where it was not asked for.
    """

    reading: ProgramReading
    embedding: np.ndarray | None


def read_and_embed_variants(
    reader: VariantReader, variants: Sequence[Variant], with_embeddings: bool
) -> list[AnalysedVariant]:
    """Read variants of a program, and embed them with the encoder `sonicpi`.

    Parameters
    ----------
    reader : VariantReader
        Of the program.
    variants : sequence of Variant
    with_embeddings : bool
    """
    tasks = divide_into_tasks(variants, VARIANTS_PER_TASK)

    def analyse_here(index: int) -> list[AnalysedVariant]:
        return _read_and_embed_variants_here(reader, tasks[index], with_embeddings)

    if len(variants) < MIN_SHARED_VARIANTS:
        parts = list(map(analyse_here, range(len(tasks))))
    else:
        requests = [
            {
                "program": reader.outline.source,
                "variants": encode_variants(task),
                "with_embeddings": with_embeddings,
            }
            for task in tasks
        ]
        parts = get_program_analysis_process_pool().run_tasks_here_and_in_processes(
            requests,
            analyse_here,
            lambda index, reply: _decode_variants(reader, tasks[index], reply),
        )
    return [variant for part in parts for variant in part]


def _read_and_embed_variants_here(
    reader: VariantReader, variants: Sequence[Variant], with_embeddings: bool
) -> list[AnalysedVariant]:
    readings = reader.interpret_variants(variants)
    readings_by_source = {variant.source: reading for variant, reading in zip(variants, readings)}
    with reuse_program_readings(readings_by_source):
        return [
            AnalysedVariant(
                reading, embed_program_source(variant.source) if with_embeddings else None
            )
            for variant, reading in zip(variants, readings)
        ]


def _decode_variants(
    reader: VariantReader, variants: Sequence[Variant], reply: Reply
) -> list[AnalysedVariant]:
    fields, matrices = reply
    embeddings = matrices[0] if matrices else [None] * len(variants)
    analysed = []
    for variant, values, embedding in zip(variants, fields["readings"], embeddings):

        def read_here(variant: Variant = variant) -> ProgramReading:
            return reader.interpret_variants([variant])[0]

        status, line, message, share = values
        reading = DeferredReading(status, line, message, share, read_here)
        analysed.append(AnalysedVariant(reading, embedding))
    return analysed


@dataclass(frozen=True, eq=False)
class SimulatedSounds:
    """What the simulated sounds of programs are described by.

    Attributes
    ----------
    features : float32 [n, SIMULATION_DIM]
        By `simulate_program_source`.
    aspects : float32 [n, ASPECT_VECTOR_DIM] or None
        By `simulate_aspects`; None where no length of the clips was given.
    """

    features: np.ndarray
    aspects: np.ndarray | None


def simulate_variants(
    program: str | None,
    variants: Sequence[Variant],
    readings: Mapping[str, ProgramReading],
    seconds: float | None = None,
) -> SimulatedSounds:
    """Simulate the sounds of variants of a program.

    Parameters
    ----------
    program : str or None
        None for programs that are no variants of one.
    variants : sequence of Variant
        At least one.
    readings : mapping of str to ProgramReading
        By the source of the variant. Variants that are not among them are read.
    seconds : float, optional
        Length of the clips for the aspects. The default simulates no aspects.
    """
    # Each process takes the variants first that it has read.
    order = sorted(range(len(variants)), key=lambda i: _is_read_elsewhere(readings, variants[i]))
    tasks = divide_into_tasks(order, SOUNDS_PER_TASK)

    def simulate_here(index: int) -> list[np.ndarray]:
        return simulate_program_sources([variants[i].source for i in tasks[index]], seconds)

    with reuse_program_readings(readings):
        if len(variants) < 2 * SOUNDS_PER_TASK:
            parts = list(map(simulate_here, range(len(tasks))))
        else:
            requests = [
                {
                    "program": program,
                    "simulate": encode_variants([variants[i] for i in task]),
                    "seconds": seconds,
                }
                for task in tasks
            ]
            parts = get_program_analysis_process_pool().run_tasks_here_and_in_processes(
                requests, simulate_here, lambda _index, reply: reply[1]
            )
    inverse = np.argsort(order)
    matrices = [np.concatenate(rows)[inverse] for rows in zip(*parts)]
    return SimulatedSounds(matrices[0], matrices[1] if seconds is not None else None)


def simulate_program_sources(sources: Sequence[str], seconds: float | None) -> list[np.ndarray]:
    """Return the features, and with a length of the clips the aspects, of programs."""
    features, aspects = [], []
    for source in sources:  # One after the other, because both use the same simulation.
        if seconds is not None:
            aspects.append(simulate_aspects(source, seconds))
        features.append(simulate_program_source(source))
    return [np.stack(rows) for rows in (features, aspects) if rows]


def _is_read_elsewhere(readings: Mapping[str, ProgramReading], variant: Variant) -> bool:
    reading = readings.get(variant.source)
    return isinstance(reading, DeferredReading) and not reading.has_events


def encode_variants(variants: Sequence[Variant]) -> list[list[Any]]:
    """Return variants as a request to another process has them."""
    return [
        [item.source, [[part.start, part.end, part.text] for part in item.replacements]]
        for item in variants
    ]


def divide_into_tasks(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    """Return items in parts of a size, in their order; the parts in the middle are half as large.

    The processes take parts from both ends. The smaller the last ones are, the shorter is the time
    in which one process waits for the other.

    Examples
    --------
    >>> divide_into_tasks("abcdefghijklmnopqrst", 4)
    ['abcd', 'efgh', 'ij', 'kl', 'mnop', 'qrst']
    """
    outer_size = size * round((1 - SMALL_TASK_SHARE) / 2 * len(items) / size)
    first, last = outer_size, len(items) - outer_size
    starts = [
        *range(0, first, size),
        *range(first, last, max(1, size // 2)),
        *range(last, len(items), size),
    ]
    return [items[start:end] for start, end in zip(starts, [*starts[1:], len(items)])]
