"""A process that analyses programs for another one, on a second core.

It reads requests from standard input and writes replies to standard output, as
`core.suggest.program_analysis_messages` describes them. Programs are only read, never run.
"""

from __future__ import annotations

import json
import os
import queue
import struct
import sys
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any, BinaryIO

import numpy as np

from core.encoders.score_features import reuse_layer_features
from core.encoders.simulation.program_simulation import reuse_simulated_sounds
from core.encoders.static_analysis_encoder import embed_program_source
from core.errors import EarshotError
from core.sonicpi.interpreter.program_interpretation import (
    ProgramReading,
    interpret_program,
    reuse_program_readings,
)
from core.suggest.code_edit import Replacement
from core.suggest.incremental_variant_interpretation import (
    Variant,
    VariantReader,
    pause_garbage_collection,
)
from core.suggest.parallel_variant_reading_and_simulation import simulate_program_sources
from core.suggest.program_analysis_messages import (
    LENGTH_BYTES,
    LENGTH_FORMAT,
    encode_analysis_reply,
)
from core.suggest.program_literals_calls_and_blocks import build_program_outline

MAX_STORED_READINGS = 600


class ProgramAnalyser:
    """Analyses programs, and keeps what the variants of one program share.

    Readings and features are kept while requests name the same program, or none.
    """

    def __init__(self) -> None:
        self.program: str | None = None
        self.reader: VariantReader | None = None
        self.readings: OrderedDict[str, ProgramReading] = OrderedDict()
        self.caches = ExitStack()

    def answer_request(self, request: dict[str, Any]) -> bytes:
        """Return the reply to a request; an error is one of its fields."""
        try:
            with pause_garbage_collection():
                self._switch_to_program(request["program"])
                if "simulate" in request:
                    return self._simulate_variants(request)
                return self._interpret_variants(request)
        except EarshotError as error:
            return encode_analysis_reply({"error": str(error)}, [])

    def _interpret_variants(self, request: dict[str, Any]) -> bytes:
        variants = _decode_variants(request["variants"])
        readings = self._read_and_store(variants)
        rows = []
        if request["with_embeddings"]:
            with reuse_program_readings(self.readings):
                rows = [embed_program_source(variant.source) for variant in variants]
        fields = [
            [reading.status, reading.line, reading.message, reading.understood_share]
            for reading in readings
        ]
        return encode_analysis_reply({"readings": fields}, [np.stack(rows)] if rows else [])

    def _simulate_variants(self, request: dict[str, Any]) -> bytes:
        variants = _decode_variants(request["simulate"])
        self._read_and_store([item for item in variants if item.source not in self.readings])
        with reuse_program_readings(self.readings):
            sources = [variant.source for variant in variants]
            return encode_analysis_reply({}, simulate_program_sources(sources, request["seconds"]))

    def _read_and_store(self, variants: Sequence[Variant]) -> list[ProgramReading]:
        if self.reader is None:
            readings = [interpret_program(variant.source) for variant in variants]
        else:
            readings = self.reader.interpret_variants(variants)
        for variant, reading in zip(variants, readings):
            self.readings[variant.source] = reading
        while len(self.readings) > MAX_STORED_READINGS:
            self.readings.popitem(last=False)
        return readings

    def _switch_to_program(self, program: str | None) -> None:
        """Read this program from now on; forget the readings and features of another one."""
        if program == self.program:
            return
        self.caches.close()
        self.readings.clear()
        self.program = self.reader = None
        if program is None:
            return
        outline = build_program_outline(program)
        if outline is None:
            raise EarshotError("The program does not parse.")
        self.reader = VariantReader(outline)
        self.caches.enter_context(reuse_layer_features())
        self.caches.enter_context(reuse_simulated_sounds())
        self.program = program


def _decode_variants(values: Sequence[Any]) -> list[Variant]:
    return [
        Variant(source, tuple(Replacement(*item) for item in replacements))
        for source, replacements in values
    ]


def _iterate_requests(stream: BinaryIO) -> Iterator[dict[str, Any]]:
    """Yield requests until the other process closes its end.

    They are read while earlier ones are answered, so that neither process waits for the other to
    empty a full pipe.
    """
    requests: queue.Queue[dict[str, Any] | None] = queue.Queue()

    def read_all_requests() -> None:
        while len(prefix := stream.read(LENGTH_BYTES)) == LENGTH_BYTES:
            requests.put(json.loads(stream.read(struct.unpack(LENGTH_FORMAT, prefix)[0])))
        requests.put(None)

    threading.Thread(target=read_all_requests, daemon=True).start()
    while (request := requests.get()) is not None:
        yield request


def main() -> None:
    """Report that the process has started, and answer requests until standard input ends."""
    replies = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # What a library prints is no reply.
    _write_message(replies, encode_analysis_reply({}, []))
    analyser = ProgramAnalyser()
    for request in _iterate_requests(sys.stdin.buffer):
        _write_message(replies, analyser.answer_request(request))


def _write_message(stream: Any, body: bytes) -> None:
    view = memoryview(struct.pack(LENGTH_FORMAT, len(body)) + body)
    while view:
        view = view[stream.write(view) or 0 :]


if __name__ == "__main__":
    main()
