"""OpenVINO backend: an optional package that runs wav2vec 2.0 faster on a CPU.

Its output is compared with torch's before use. If they differ, or OpenVINO cannot convert a model,
torch runs the model.
"""

from __future__ import annotations

import logging
import queue
import warnings
from collections.abc import Callable, Sequence

import torch
from torch import nn

from core.encoders.encoder_device_and_precision import ComputeConfig

# Minimum cosine similarity of the two outputs; bf16 alone lowers it by about 0.00002.
MIN_TORCH_COSINE = 0.9995


def compile_and_verify_model(
    module: nn.Module, compute: ComputeConfig, probe_lengths: Sequence[int]
) -> Callable[[torch.Tensor], torch.Tensor] | None:
    """Compile a network over waveforms of any length and compare it with torch.

    Parameters
    ----------
    module : Module
        In fp32. Maps float32 [1, frames] to float32 [1, dim].
    compute : ComputeConfig
        Determines whether to multiply in bf16.
    probe_lengths : sequence of int
        Frames of the noise for the comparison. The first is also the length used for tracing, so
        give at least one other.

    Returns
    -------
    callable or None
        The compiled network; None if torch has to run it.
    """
    try:
        run_inference = _compile_openvino_model(module, compute, torch.zeros(1, probe_lengths[0]))
    except Exception as error:  # the converter raises errors of many types
        _warn_that_openvino_is_not_used(
            f"it cannot convert this model ({type(error).__name__}: {str(error)[:200]})"
        )
        return None
    generator = torch.Generator().manual_seed(0)
    for length in probe_lengths:
        waveform = torch.randn(1, length, generator=generator)
        with torch.inference_mode():
            expected = module(waveform)
        similarity = nn.functional.cosine_similarity(expected, run_inference(waveform)).item()
        # Negated, so that NaN fails too.
        if not similarity >= MIN_TORCH_COSINE:
            _warn_that_openvino_is_not_used(
                f"its output differs from torch (cosine similarity {similarity:.5f})"
            )
            return None
    return run_inference


def _compile_openvino_model(
    module: nn.Module, compute: ComputeConfig, example_input: torch.Tensor
) -> Callable[[torch.Tensor], torch.Tensor]:
    # An optional dependency.
    import openvino

    with warnings.catch_warnings():
        # Tracing warns of values that it fixes; the comparison detects where that matters.
        warnings.simplefilter("ignore")
        model = openvino.convert_model(module, example_input=example_input)
    model.reshape(openvino.PartialShape([1, -1]))
    options = {
        "INFERENCE_PRECISION_HINT": "bf16" if compute.use_bf16 else "f32",
        # One thread per clip, as for all encoders (`core.encoders.parallel_map`).
        "NUM_STREAMS": torch.get_num_threads(),
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
    }
    network = openvino.Core().compile_model(model, "CPU", options)

    # A request serves one caller at a time; there are as many as were ever needed at once.
    idle_requests: queue.SimpleQueue[openvino.InferRequest] = queue.SimpleQueue()

    def run_inference(waveform: torch.Tensor) -> torch.Tensor:
        try:
            request = idle_requests.get_nowait()
        except queue.Empty:
            request = network.create_infer_request()
        try:
            return torch.from_numpy(request.infer(waveform.numpy())[0].copy())
        finally:
            idle_requests.put(request)

    return run_inference


def _warn_that_openvino_is_not_used(reason: str) -> None:
    logging.getLogger(__name__).warning("OpenVINO is not used: %s.", reason)
