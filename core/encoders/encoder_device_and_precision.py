"""ComputeConfig: the device, precision and backend that encoders use, detected once per process."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from torch import nn
from torch.nn.utils import parametrize

from core.encoders.parallel_map import map_in_parallel

# Linux's names for bf16 arithmetic on x86 and ARM processors.
BF16_CPU_FLAGS = frozenset({"amx_bf16", "avx512_bf16", "bf16"})


@dataclass(frozen=True)
class ComputeConfig:
    """Device, precision and backend of an encoder.

    Attributes
    ----------
    device : {"cpu", "cuda"}
    use_bf16 : bool
        Multiply in bf16 and keep sums, norms and results in fp32. About three times as fast as
        fp32 on processors with bf16 arithmetic, slower on all others.
    use_openvino : bool
        Use OpenVINO for the models that it runs faster (`core.encoders.openvino_backend`).
    """

    device: str
    use_bf16: bool
    use_openvino: bool = False

    def prepare_model_for_inference(self, model: nn.Module) -> nn.Module:
        """Return the model on the device, ready for inference."""
        # Removing a weight normalization computes sums, which depend on the number of threads
        # unless they run where `map_in_parallel` runs its function.
        (prepared_model,) = map_in_parallel(self._freeze_and_cast_model, [model])
        return prepared_model

    def _freeze_and_cast_model(self, model: nn.Module) -> nn.Module:
        model = model.eval().requires_grad_(False).to(self.device)
        for module in list(model.modules()):
            if parametrize.is_parametrized(module, "weight"):
                # Otherwise each call would recompute the normalized weight.
                parametrize.remove_parametrizations(module, "weight")
            if self.use_bf16 and isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d):
                # Otherwise autocast would round the weights to the same values at each call.
                module.to(torch.bfloat16)
        return model

    def make_autocast_context(self) -> torch.autocast:
        """Return the context in which to run a model."""
        return torch.autocast(self.device, torch.bfloat16, enabled=self.use_bf16)


@cache
def detect_compute_config() -> ComputeConfig:
    """Return the fastest configuration of this machine.

    Returns
    -------
    ComputeConfig
        With a GPU if there is one, bf16 if the device has it, and OpenVINO if it is installed.
    """
    if torch.cuda.is_available():
        return ComputeConfig("cuda", torch.cuda.is_bf16_supported(including_emulation=False))
    has_bf16 = bool(read_cpu_flags() & BF16_CPU_FLAGS)
    return ComputeConfig("cpu", has_bf16, is_openvino_enabled())


def is_openvino_enabled() -> bool:
    """Return whether OpenVINO is installed and not disabled by EARSHOT_OPENVINO=0."""
    is_disabled = os.environ.get("EARSHOT_OPENVINO", "1") == "0"
    return not is_disabled and importlib.util.find_spec("openvino") is not None


def read_cpu_flags() -> set[str]:
    """Return the processor's feature flags; empty on systems without /proc/cpuinfo."""
    try:
        return set(Path("/proc/cpuinfo").read_text().split())
    except OSError:
        return set()
