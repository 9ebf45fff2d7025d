"""What the encoders compute with: device and precision, chosen once a process."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# Read when torch is loaded. Its threads otherwise wait for each other by spinning, and while
# programs are rendered on the same cores they spin away most of the time: measured on two cores
# with two other processes, 100 programs took 3 to 10 times as long.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn.utils import parametrize  # noqa: E402

from core.encoders.parallel import map_items  # noqa: E402

# How Linux names bf16 arithmetic of x86 and ARM processors.
BF16_CPU_FLAGS = frozenset({"amx_bf16", "avx512_bf16", "bf16"})


@dataclass(frozen=True)
class ComputeConfig:
    """A device and whether it multiplies in bf16.

    Attributes
    ----------
    device : {"cpu", "cuda"}
    use_bf16 : bool
        Multiply in bf16 and keep sums, norms and results in fp32. About three
        times faster where it is native; emulated it is slower than fp32.
    use_openvino : bool
        Let OpenVINO run what it runs faster (`core.encoders.openvino`).
    """

    device: str
    use_bf16: bool
    use_openvino: bool = False

    def prepare_model(self, model: nn.Module) -> nn.Module:
        """Move a model to the device, ready for inference."""
        # Normalised weights are sums, and so depend on the number of threads themselves.
        (prepared,) = map_items(self._prepare, [model])
        return prepared

    def _prepare(self, model: nn.Module) -> nn.Module:
        model = model.eval().requires_grad_(False).to(self.device)
        for module in list(model.modules()):
            if parametrize.is_parametrized(module, "weight"):
                # A normalised weight would be computed anew at every call.
                parametrize.remove_parametrizations(module, "weight")
            if self.use_bf16 and isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d):
                # Autocast would round it anew at every call, to the same values.
                module.to(torch.bfloat16)
        return model

    def autocast(self) -> torch.autocast:
        """Context in which the model runs."""
        return torch.autocast(self.device, torch.bfloat16, enabled=self.use_bf16)


@cache
def detect_compute_config() -> ComputeConfig:
    """A GPU if there is one, bf16 where it is native, OpenVINO if it is installed."""
    from core.encoders import openvino

    if torch.cuda.is_available():
        return ComputeConfig("cuda", torch.cuda.is_bf16_supported(including_emulation=False))
    return ComputeConfig("cpu", bool(read_cpu_flags() & BF16_CPU_FLAGS), openvino.is_openvino_enabled())


def read_cpu_flags() -> set[str]:
    """What the processor says it can do; empty where the system doesn't tell."""
    try:
        return set(Path("/proc/cpuinfo").read_text().split())
    except OSError:
        return set()
