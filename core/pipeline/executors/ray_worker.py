"""ProgramWorker: what one Ray actor does, with one warm renderer and its encoders.

Nothing here imports Ray, so a worker is an ordinary object that also runs without a cluster.
Arguments and results are plain values, which a driver of the same version of Earshot understands.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

import core
from core import encoders
from core.corpus.encoded_render import EncodedRender, encode_render
from core.encoders.encoder_loading import get_or_load_encoder
from core.errors import EarshotError
from core.pipeline.executors.executor_interface import ClipSettings, EmbeddedItem
from core.pipeline.executors.fault_tolerant_embedding import embed_each_item
from core.sonicpi import Clip, RenderResult, compute_render_id
from core.sonicpi.message_framed_process import FramedProcessError
from core.sonicpi.render_pool import (
    MAX_RENDER_ATTEMPTS,
    build_worker_crash_problem,
    find_source_code_problem,
)
from core.sonicpi.render_worker import RenderWorker

if TYPE_CHECKING:
    from core.corpus import EmbeddingPairs
    from core.pipeline.sweep_run_training import SweepRun

PROBE_SOURCE = "play 60"
PROBE_SECONDS = 1.0


@dataclass(frozen=True)
class ComputeSettings:
    """How workers compute embeddings, so that all compute the same bits as the driver.

    Attributes
    ----------
    use_bf16, use_openvino : bool
        As in `core.encoders.encoder_device_and_precision.ComputeConfig`.
    """

    use_bf16: bool
    use_openvino: bool


def detect_compute_settings() -> ComputeSettings:
    """Return the settings that the encoders of this machine use."""
    from core.encoders.encoder_device_and_precision import detect_compute_config  # loads torch

    config = detect_compute_config()
    return ComputeSettings(config.use_bf16, config.use_openvino)


class ProgramWorker:
    """Renders, encodes and embeds programs, one at a time.

    Parameters
    ----------
    compute_settings : ComputeSettings
    """

    def __init__(self, compute_settings: ComputeSettings):
        self._compute_settings = compute_settings
        self._renderers: dict[ClipSettings, _WarmRenderer] = {}

    @staticmethod
    def describe_node_software() -> dict[str, str]:
        """Return the versions on which results depend: those of two machines must be equal."""
        return {
            "Earshot": core.__version__,
            "Python": ".".join(platform.python_version_tuple()[:2]),
            "numpy": np.__version__,
            # It depends on the versions of Sonic Pi, scsynth and the renderer.
            "renderer": compute_render_id(PROBE_SOURCE, PROBE_SECONDS)[:12],
        }

    def describe(self) -> dict[str, str]:
        """Return the versions of this node, which the driver compares with its own."""
        if self._compute_settings.use_openvino:
            from core.encoders.encoder_device_and_precision import is_openvino_enabled

            if not is_openvino_enabled():
                raise EarshotError("OpenVINO is missing there, which the driver uses.")
        return self.describe_node_software()

    def render(self, key: str, source: str, settings: ClipSettings) -> dict[str, Any]:
        """Render a program.

        Parameters
        ----------
        key : str
            Render id, which the result repeats.
        source : str
        settings : ClipSettings

        Returns
        -------
        dict
            "key", "render" (an `EncodedRender` without content), "samples": bytes, float32.
        """
        result = self._render(source, settings)
        render = EncodedRender(result.error, result.warnings, result.render_s)
        samples = b"" if result.clip is None else result.clip.samples.tobytes()
        return {"key": key, "render": render, "samples": samples}

    def render_programs_and_embed_clips(
        self, key: str, programs: Sequence[tuple[str, str]], settings: ClipSettings
    ) -> dict[str, Any]:
        """Render, encode and embed some programs, one after the other.

        Parameters
        ----------
        key : str
            Key of the task, which the result repeats.
        programs : sequence of (str, str)
            Render id and source of each.
        settings : ClipSettings

        Returns
        -------
        dict
            "key", "results": list of what `render_encode_and_embed_program` returns, "seconds":
            time of this call.
        """
        started = time.monotonic()
        results = [
            self.render_encode_and_embed_program(render_id, source, settings)
            for render_id, source in programs
        ]
        return {"key": key, "results": results, "seconds": time.monotonic() - started}

    def render_encode_and_embed_program(
        self, key: str, source: str, settings: ClipSettings
    ) -> dict[str, Any]:
        """Render a program, encode its clip and embed it.

        Returns
        -------
        dict
            "key", "render" (an `EncodedRender`), "embeddings": encoder id to `EmbeddedItem`.
        """
        result = self._render(source, settings)
        render, clip = encode_render(result, settings.audio_format, is_strict=settings.is_strict)
        embeddings: dict[str, EmbeddedItem] = {}
        if clip is not None:
            for encoder_id in settings.audio_encoders:
                (embeddings[encoder_id],) = embed_each_item(self._get_encoder(encoder_id), [clip])
        return {"key": key, "render": render, "embeddings": embeddings}

    def embed(self, key: str, encoder_id: str, items: list[str] | list[bytes]) -> dict[str, Any]:
        """Embed sources of programs, or contents of clip files.

        Returns
        -------
        dict
            "key", "items": list of `EmbeddedItem`.
        """
        encoder = self._get_encoder(encoder_id)
        loaded: dict[int, Any] = {}
        results: dict[int, EmbeddedItem] = {}
        for index, item in enumerate(items):
            try:
                loaded[index] = Clip.decode_audio_file(item) if isinstance(item, bytes) else item
            except EarshotError as error:
                results[index] = str(error)
        if loaded:
            results |= zip(loaded, embed_each_item(encoder, list(loaded.values())))
        return {"key": key, "items": [results[index] for index in range(len(items))]}

    def train_sweep_run(self, key: str, pairs: EmbeddingPairs, run: SweepRun) -> dict[str, Any]:
        """Train and evaluate a configuration of a sweep, on one thread.

        Returns
        -------
        dict
            "key", and "record" (what `core.pipeline.sweep_run_training.train_sweep_run` returns)
            or "error" (message, place and remedy of the EarshotError that it raised).
        """
        import torch  # Workers that only render need neither.

        from core.pipeline.sweep_run_training import train_sweep_run

        torch.set_num_threads(1)
        # Arrays of Ray's object store cannot be written, which torch does not support.
        writable = replace(
            pairs,
            code_embeddings=pairs.code_embeddings.copy(),
            audio_embeddings=pairs.audio_embeddings.copy(),
        )
        try:
            return {"key": key, "record": train_sweep_run(writable, run)}
        except EarshotError as error:
            return {"key": key, "error": (error.message, error.where, error.remedy)}

    def _render(self, source: str, settings: ClipSettings) -> RenderResult:
        renderer = self._renderers.get(settings)
        if renderer is None:
            for other in self._renderers.values():
                other.close()
            renderer = _WarmRenderer(settings)
            self._renderers = {settings: renderer}
        return renderer.render(source)

    def _get_encoder(self, encoder_id: str) -> encoders.Encoder:
        from core.encoders.encoder_device_and_precision import ComputeConfig  # loads torch

        settings = self._compute_settings
        config = ComputeConfig("cpu", settings.use_bf16, settings.use_openvino)
        return get_or_load_encoder(encoders.find_encoder_spec(encoder_id), config)


class _WarmRenderer:
    """A render worker that stays warm, and is replaced when it dies."""

    def __init__(self, settings: ClipSettings):
        self._settings = settings
        self._worker: RenderWorker | None = None

    def render(self, source: str) -> RenderResult:
        """Render a program, and try again with a new render worker when the first one dies."""
        problem = find_source_code_problem(source)
        if problem is not None:
            return RenderResult(None, problem)
        for _ in range(MAX_RENDER_ATTEMPTS):
            try:
                if self._worker is None:
                    self._worker = RenderWorker(sample_folders=self._settings.sample_folders)
                return self._worker.render(
                    source, self._settings.seconds, sonic_pi=self._settings.sonic_pi
                )
            except FramedProcessError as error:
                problem = build_worker_crash_problem(error)
                self.close()
        return RenderResult(None, problem)

    def close(self) -> None:
        """End the render worker."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None
