"""Loading of models, tokenizers and feature extractors in transformers format, and nothing else.

Only files on this machine are read, and no code that comes with a model is run.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import nn

from core.errors import EarshotError

SAFE_LOADING_OPTIONS = {"local_files_only": True, "trust_remote_code": False}
# Layers that some checkpoints leave out and no embedding here passes through.
UNUSED_LAYER_PREFIXES = ("pooler.",)


def load_model(model_class: Any, folder: Path, encoder_id: str) -> nn.Module:
    """Load a model's weights in fp32.

    Parameters
    ----------
    model_class : type
        Class of transformers with `from_pretrained`.
    folder : Path
    encoder_id : str
        For messages.

    Raises
    ------
    EarshotError
        When files are damaged, or do not hold all the weights: what is lacking
        would be filled up with random numbers.
    """
    safetensors = any(folder.glob("*.safetensors"))
    try:
        with silence_transformers():
            model, report = model_class.from_pretrained(
                folder,
                # Where there is none, the library unpickles with weights_only.
                use_safetensors=safetensors,
                dtype=torch.float32,
                output_loading_info=True,
                **SAFE_LOADING_OPTIONS,
            )
    except Exception as error:  # damaged files raise whatever their parser raises
        raise _build_loading_error(encoder_id, folder, error) from error
    missing = sorted(key for key in report["missing_keys"] if not key.startswith(UNUSED_LAYER_PREFIXES))
    wrong = missing or sorted(str(key) for key in report["mismatched_keys"])
    if wrong:
        raise EarshotError(
            f"The weights of {encoder_id} are not whole: {len(wrong)} tensors are missing or"
            f" of another shape, {wrong[0]} among them.",
            where=str(folder),
            remedy="Get them again.",
        )
    return model


def load_tokenizer(folder: Path, encoder_id: str) -> Any:
    """Load a tokenizer.

    Raises
    ------
    EarshotError
        When its files are missing or damaged.
    """
    return _load_pretrained(transformers.AutoTokenizer, folder, encoder_id)


def load_feature_extractor(folder: Path, encoder_id: str) -> Any:
    """Load what turns a waveform into a model's input; raises as `load_tokenizer`."""
    return _load_pretrained(transformers.AutoFeatureExtractor, folder, encoder_id)


def _load_pretrained(auto_class: Any, folder: Path, encoder_id: str) -> Any:
    try:
        with silence_transformers():
            return auto_class.from_pretrained(folder, **SAFE_LOADING_OPTIONS)
    except Exception as error:  # damaged files raise whatever their parser raises
        raise _build_loading_error(encoder_id, folder, error) from error


def _build_loading_error(encoder_id: str, folder: Path, error: Exception) -> EarshotError:
    why = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
    return EarshotError(
        f"{encoder_id} cannot be loaded ({why}).",
        where=str(folder),
        remedy="Its files may be damaged: get them again.",
    )


@contextmanager
def silence_transformers() -> Iterator[None]:
    """Keep the library's bars and notes out of a job's log: what matters is raised here."""
    from transformers.utils import logging as notes

    bars, level = notes.is_progress_bar_enabled(), notes.get_verbosity()
    notes.disable_progress_bar()
    notes.set_verbosity(logging.CRITICAL)
    try:
        yield
    finally:
        notes.set_verbosity(level)
        if bars:
            notes.enable_progress_bar()
