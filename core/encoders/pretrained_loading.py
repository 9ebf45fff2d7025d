"""Load models, tokenizers and feature extractors in transformers format from local files.

No code that comes with a model is run.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers.utils import logging as transformers_logging

from core.errors import EarshotError

SAFE_LOADING_OPTIONS = {"local_files_only": True, "trust_remote_code": False}
# Layers that some checkpoints lack and no embedding here uses.
UNUSED_LAYER_PREFIXES = ("pooler.",)


def load_pretrained_model(
    model_class: Any, folder: Path, encoder_id: str, **loading_options: Any
) -> Any:
    """Load a model's weights in fp32.

    Parameters
    ----------
    model_class : type
        Class of transformers with `from_pretrained`.
    folder : Path
    encoder_id : str
        For error messages.
    **loading_options
        Further arguments of `from_pretrained`, for example ``config``.

    Returns
    -------
    PreTrainedModel

    Raises
    ------
    EarshotError
        If files are damaged or do not contain all weights: transformers would fill in random
        numbers.
    """
    has_safetensors = any(folder.glob("*.safetensors"))
    try:
        with silence_transformers_output():
            model, report = model_class.from_pretrained(
                folder,
                # Without safetensors, transformers unpickles the weights with weights_only.
                use_safetensors=has_safetensors,
                dtype=torch.float32,
                output_loading_info=True,
                **loading_options,
                **SAFE_LOADING_OPTIONS,
            )
    except Exception as error:  # damaged files raise errors of many types
        raise _build_loading_error(encoder_id, folder, error) from error
    missing = [key for key in report["missing_keys"] if not key.startswith(UNUSED_LAYER_PREFIXES)]
    wrong_keys = sorted(missing) or sorted(str(key) for key in report["mismatched_keys"])
    if wrong_keys:
        raise EarshotError(
            f"The weights of {encoder_id} are incomplete: {len(wrong_keys)} tensors are missing or"
            f" have another shape, among them {wrong_keys[0]}.",
            where=str(folder),
            remedy="Download them again.",
        )
    return model


def load_tokenizer(folder: Path, encoder_id: str) -> Any:
    """Load a tokenizer.

    Parameters
    ----------
    folder : Path
    encoder_id : str
        For error messages.

    Returns
    -------
    PreTrainedTokenizer

    Raises
    ------
    EarshotError
        If its files are missing or damaged.
    """
    return _load_tokenizer_or_extractor(transformers.AutoTokenizer, folder, encoder_id)


def load_feature_extractor(folder: Path, encoder_id: str) -> Any:
    """Load the preprocessor of an audio model; see `load_tokenizer`."""
    return _load_tokenizer_or_extractor(transformers.AutoFeatureExtractor, folder, encoder_id)


def _load_tokenizer_or_extractor(auto_class: Any, folder: Path, encoder_id: str) -> Any:
    try:
        with silence_transformers_output():
            return auto_class.from_pretrained(folder, **SAFE_LOADING_OPTIONS)
    except Exception as error:  # damaged files raise errors of many types
        raise _build_loading_error(encoder_id, folder, error) from error


def _build_loading_error(encoder_id: str, folder: Path, error: Exception) -> EarshotError:
    reason = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
    return EarshotError(
        f"{encoder_id} cannot be loaded ({reason}).",
        where=str(folder),
        remedy="Its files may be damaged: download them again.",
    )


@contextmanager
def silence_transformers_output() -> Iterator[None]:
    """Keep transformers' progress bars and messages out of a job's log.

    What matters is raised as an error here.
    """
    had_progress_bar = transformers_logging.is_progress_bar_enabled()
    verbosity = transformers_logging.get_verbosity()
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity(logging.CRITICAL)
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        if had_progress_bar:
            transformers_logging.enable_progress_bar()
