"""Choice of the training device and of its precision."""

from __future__ import annotations

import torch

from core.encoders.encoder_device_and_precision import BF16_CPU_FLAGS, read_cpu_flags
from core.errors import EarshotError


def choose_device(device_name: str = "auto") -> torch.device:
    """Return the device to train on.

    Parameters
    ----------
    device_name : {"auto", "cpu", "cuda"}
        ``auto`` selects a GPU if there is one, else the CPU.

    Raises
    ------
    EarshotError
        If ``cuda`` is requested and there is no GPU.
    """
    if device_name == "cuda" and not torch.cuda.is_available():
        raise EarshotError(
            "No GPU is available.", where="config, device", remedy="Use cpu or auto."
        )
    if device_name == "auto":
        device_name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(device_name)


def has_native_bf16(device: torch.device) -> bool:
    """Return whether `device` multiplies bf16 matrices natively; emulation is slower than fp32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return bool(read_cpu_flags() & BF16_CPU_FLAGS)


def should_use_bf16(precision: str, device: torch.device) -> bool:
    """Return whether to compute in bf16; ``auto`` uses it only where it is native."""
    return has_native_bf16(device) if precision == "auto" else precision == "bf16"
