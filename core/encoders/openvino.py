"""OpenVINO in torch's place: an optional package that runs wav2vec 2.0 faster on a processor.

It only computes the same network otherwise. Before it serves it is held against torch, and where
it differs, or cannot take a model, torch goes on as if it were not there.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import queue
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from core.encoders.device import ComputeConfig

# Least cosine of what both give; bf16 alone takes about 0.00002 of it.
MIN_TORCH_COSINE = 0.9995


def is_openvino_enabled() -> bool:
    """Whether OpenVINO is there and not switched off by EARSHOT_OPENVINO=0."""
    wanted = os.environ.get("EARSHOT_OPENVINO", "1") != "0"
    return wanted and importlib.util.find_spec("openvino") is not None


def compile_and_verify(
    module: nn.Module, compute: ComputeConfig, probe_lengths: Sequence[int]
) -> Callable[[torch.Tensor], torch.Tensor] | None:
    """Turn a network over waveforms of any length into one that OpenVINO runs.

    Parameters
    ----------
    module : Module
        In fp32. Takes float32 [1, frames], returns float32 [1, dim].
    compute : Compute
        Whether to multiply in bf16.
    probe_lengths : sequence of int
        Frames of the noises by which it is held against torch; the first is also the
        one by which the network is traced, so two more are worth having.

    Returns
    -------
    callable or None
        The same from tensor to tensor; None where torch has to do it.
    """
    try:
        run = _compile_model(module, compute, torch.zeros(1, probe_lengths[0]))
    except Exception as error:  # whatever a converter meets in a model it doesn't know
        _warn_not_used(f"cannot take this model ({type(error).__name__}: {str(error)[:200]})")
        return None
    noise = torch.Generator().manual_seed(0)
    for length in probe_lengths:
        waveform = torch.randn(1, length, generator=noise)
        with torch.inference_mode():
            truth = module(waveform)
        alike = nn.functional.cosine_similarity(truth, run(waveform)).item()
        if not alike >= MIN_TORCH_COSINE:  # nor where it isn't a number
            _warn_not_used(f"gives something else than torch (cosine {alike:.5f})")
            return None
    return run


def _compile_model(
    module: nn.Module, compute: ComputeConfig, example_input: torch.Tensor
) -> Callable[[torch.Tensor], torch.Tensor]:
    import openvino

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what tracing fixes shows in the comparison
        model = openvino.convert_model(module, example_input=example_input)
    model.reshape(openvino.PartialShape([1, -1]))
    options = {
        "INFERENCE_PRECISION_HINT": "bf16" if compute.use_bf16 else "f32",
        # One thread per clip, as everywhere (`core.encoders.parallel`).
        "NUM_STREAMS": torch.get_num_threads(),
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
    }
    network = openvino.Core().compile_model(model, "CPU", options)

    # A request serves one caller at a time; there are as many as were ever needed at once.
    idle: queue.SimpleQueue[openvino.InferRequest] = queue.SimpleQueue()

    def run_inference(waveform: torch.Tensor) -> torch.Tensor:
        try:
            request = idle.get_nowait()
        except queue.Empty:
            request = network.create_infer_request()
        try:
            return torch.from_numpy(request.infer(waveform.numpy())[0].copy())
        finally:
            idle.put(request)

    return run_inference


def _warn_not_used(reason: str) -> None:
    logging.getLogger(__name__).warning("OpenVINO is not used: it %s.", reason)
