"""Load a network that Earshot defines from a checkpoint: config.json and one file of weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors.torch import load_file
from torch import nn

from core.encoders.model_weight_sources import load_json_config
from core.errors import EarshotError

SAFETENSORS_FILENAME, PICKLE_FILENAME = "model.safetensors", "pytorch_model.bin"
MAX_REASON_CHARS = 300

Network = TypeVar("Network", bound=nn.Module)


def load_network_from_checkpoint(
    build_network: Callable[[dict[str, Any]], Network],
    folder: Path,
    encoder_id: str,
    tensor_name_prefix: str,
) -> Network:
    """Build a network from a checkpoint's configuration and load its weights as float32.

    Tensors that the network lacks, such as those that only training needs, are left out.

    Parameters
    ----------
    build_network : callable
        From the content of config.json to a network whose tensors have the checkpoint's names.
    folder : Path
        With config.json and model.safetensors, or else pytorch_model.bin, of which only tensors
        are read.
    encoder_id : str
        For error messages.
    tensor_name_prefix : str
        Removed from the names of the checkpoint's tensors: "bert.".

    Returns
    -------
    nn.Module
        What `build_network` returned.

    Raises
    ------
    EarshotError
        If the files are damaged, or are those of another network.
    """
    config = load_json_config(folder / "config.json")
    try:
        network = build_network(config)
        tensors = _load_tensors(folder)
        by_name = {
            name.removeprefix(tensor_name_prefix): tensor.float()
            for name, tensor in tensors.items()
        }
        network.load_state_dict({name: by_name[name] for name in network.state_dict()})
    except Exception as error:  # damaged files raise errors of many types
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:MAX_REASON_CHARS]
        reason = f"it lacks {reason}" if isinstance(error, KeyError) else reason
        raise EarshotError(
            f"{encoder_id} cannot be loaded ({reason}).",
            where=str(folder),
            remedy="Its files may be damaged or those of another network: download them again.",
        ) from error
    return network


def _load_tensors(folder: Path) -> dict[str, torch.Tensor]:
    """Load a checkpoint's tensors by name."""
    if (folder / SAFETENSORS_FILENAME).exists() or not (folder / PICKLE_FILENAME).exists():
        return load_file(folder / SAFETENSORS_FILENAME)
    # `weights_only` refuses a file with anything but tensors, so no code of it is run.
    tensors: dict[str, torch.Tensor] = torch.load(
        folder / PICKLE_FILENAME, map_location="cpu", weights_only=True, mmap=True
    )
    return tensors
