"""What the machine can compute with, asked once a training."""

from __future__ import annotations

import torch

from core.encoders.device import BF16_CPU_FLAGS, read_cpu_flags
from core.errors import EarshotError


def choose_device(device_name: str = "auto") -> torch.device:
    """Return the device to train on.

    Parameters
    ----------
    device_name : {"auto", "cpu", "cuda"}
        ``auto`` takes a GPU if there is one, else the processor.

    Raises
    ------
    EarshotError
        When a GPU is asked for and there is none.
    """
    if device_name == "cuda" and not torch.cuda.is_available():
        raise EarshotError(
            "No GPU is available here.", where="config, device", remedy="Give cpu or auto."
        )
    if device_name == "auto":
        device_name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(device_name)


def has_native_bf16(device: torch.device) -> bool:
    """Whether `device` multiplies bf16 matrices itself; emulating them is slower than fp32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return bool(read_cpu_flags() & BF16_CPU_FLAGS)


def should_use_bf16(precision: str, device: torch.device) -> bool:
    """Whether to compute in bf16: as asked, or with ``auto`` where it is native."""
    return has_native_bf16(device) if precision == "auto" else precision == "bf16"
