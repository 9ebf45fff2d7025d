"""Text encoders: transformer models that embed a program as text.

An embedding is the mean of the last layer's vectors over all tokens of the program, or the vector
of its last token (`EncoderSpec.pooling`). Programs longer than the model's window are split into
overlapping windows; a token that lies in several of them counts once, with the mean of its vectors.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, groupby, islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

from core.encoders.encoder_device_and_precision import ComputeConfig
from core.encoders.encoder_interface import Encoder, validate_source_text
from core.encoders.encoder_spec import LAST_TOKEN_POOLING, EncoderSpec
from core.encoders.model_weight_sources import load_json_config
from core.encoders.overlapping_windows import compute_window_weights, split_into_windows
from core.encoders.parallel_map import map_in_parallel
from core.encoders.pretrained_loading import load_pretrained_model, load_tokenizer
from core.errors import EarshotError

# Rows are padded to a multiple of this many tokens: kernels are built once per shape.
PADDING_MULTIPLE = 16
# Rows per batch. Batches are always full, so that the shapes a row passes through follow from that
# row alone (see `core.encoders.parallel_map`). On a CPU each row is its own batch, and every bit of
# its vector depends on it alone. A GPU would idle with one row. Its shapes are fixed too, but
# kernels need not treat all positions in a batch alike.
BATCH_SIZES = {"cpu": 1, "cuda": 16}
# Fraction of a window shared with the next one.
WINDOW_OVERLAP_FRACTION = 0.25
# Models that number positions starting after the padding token's id.
OFFSET_POSITION_MODEL_TYPES = {"clap_text_model", "mpnet", "roberta", "xlm-roberta"}


@dataclass(frozen=True)
class TokenWindow:
    """One window of one program: a row of a batch."""

    item_index: int  # of the program among the items
    window_index: int  # of the window in the program
    token_ids: list[int]
    token_weights: np.ndarray  # float64 [len(token_ids)]
    padded_length: int

    @property
    def batch_shape_key(self) -> tuple[int, bool]:
        """Return what rows of one batch have in common.

        A row without padding does not share a batch with a padded one: attention over rows without
        padding takes no mask, and another kernel without it.
        """
        return self.padded_length, len(self.token_ids) == self.padded_length


class TextEncoder(Encoder):
    """A transformer model with its tokenizer.

    Parameters
    ----------
    spec : EncoderSpec
    compute : ComputeConfig
    """

    def __init__(self, spec: EncoderSpec, compute: ComputeConfig):
        super().__init__(spec)
        folder = spec.weights.locate_or_download_weights(spec.id)
        self._compute = compute
        self._tokenizer = load_tokenizer(self._locate_tokenizer_folder(folder), spec.id)
        # Setting padding and truncation changes the tokenizer, which threads share.
        self._tokenizer_lock = threading.Lock()
        model = self._load_transformer_model(folder)
        self._context_length = get_max_tokens_per_window(
            spec, folder, model.config, self._tokenizer
        )
        self._model = compute.prepare_model_for_inference(model)
        self._prefix_ids, self._suffix_ids = self._find_prefix_and_suffix_tokens()

    def _locate_tokenizer_folder(self, folder: Path) -> Path:
        """Return the folder with the tokenizer: by default that of the model."""
        return folder

    def _load_transformer_model(self, folder: Path) -> Any:
        """Return the model, with a `config` that states its maximum length."""
        return load_pretrained_model(transformers.AutoModel, folder, self.spec.id)

    def _find_prefix_and_suffix_tokens(self) -> tuple[list[int], list[int]]:
        """Return the tokens that the model expects before and after a text."""
        prefix_ids, suffix_ids = find_special_tokens_around_text(self._tokenizer, self.spec.id)
        if self.spec.mode_token:
            mode_id = self._tokenizer.convert_tokens_to_ids(self.spec.mode_token)
            prefix_ids = [*prefix_ids, mode_id, self._tokenizer.sep_token_id]
        if self.spec.prompt:
            prompt_ids = self._tokenizer(self.spec.prompt, add_special_tokens=False)["input_ids"]
            prefix_ids = [*prefix_ids, *prompt_ids]
        return prefix_ids, suffix_ids

    def _iterate_embedded_batches(
        self, items: Sequence[str]
    ) -> Iterator[tuple[list[int], np.ndarray]]:
        # Halves of surrogate pairs, from files that are not UTF-8, are not allowed in text.
        sources = [
            validate_source_text(source, index).encode("utf-8", "replace").decode()
            for index, source in enumerate(items)
        ]
        windows = self._tokenize_sources(sources)
        remaining_windows = np.bincount(
            [window.item_index for window in windows], minlength=len(items)
        )
        sums = np.zeros((len(items), self.spec.dim))
        weight_sums = np.zeros(len(items))
        device = self._compute.device
        batches = list(_batch_windows_by_shape(windows, BATCH_SIZES[device]))
        results = map_in_parallel(self._sum_token_vectors, batches, device)
        for batch, batch_sums in zip(batches, results, strict=True):
            for window, window_sum in zip(batch, batch_sums, strict=True):
                sums[window.item_index] += window_sum
                weight_sums[window.item_index] += window.token_weights.sum()
                remaining_windows[window.item_index] -= 1
            indices = {window.item_index for window in batch}
            done = sorted(index for index in indices if remaining_windows[index] == 0)
            yield done, (sums[done] / weight_sums[done, None]).astype(np.float32)

    def _tokenize_sources(self, sources: list[str]) -> list[TokenWindow]:
        """Return the windows of all programs by shape, short ones first.

        The windows of a program stay in order.
        """
        if not sources:
            return []
        with self._tokenizer_lock:
            tokenized = self._tokenizer(
                sources,
                add_special_tokens=False,
                truncation=False,
                padding=False,
                return_attention_mask=False,
                verbose=False,
            )["input_ids"]
        windows = [
            window
            for index, token_ids in enumerate(tokenized)
            for window in self._build_token_windows(index, token_ids)
        ]
        return sorted(
            windows,
            key=lambda window: (*window.batch_shape_key, window.item_index, window.window_index),
        )

    def _build_token_windows(self, item_index: int, token_ids: list[int]) -> Iterator[TokenWindow]:
        """Yield the windows of one program, in order."""
        window_size = self._context_length - len(self._prefix_ids) - len(self._suffix_ids)
        min_overlap = int(window_size * WINDOW_OVERLAP_FRACTION)
        windows = split_into_windows(len(token_ids), window_size, min_overlap)
        # The special tokens of all windows together weigh as much as those of one.
        prefix_weights = np.full(len(self._prefix_ids), 1 / len(windows))
        suffix_weights = np.full(len(self._suffix_ids), 1 / len(windows))
        window_weights = compute_window_weights(len(token_ids), windows)
        for number, ((start, stop), weights) in enumerate(zip(windows, window_weights)):
            window_ids = [*self._prefix_ids, *token_ids[start:stop], *self._suffix_ids]
            token_weights = np.concatenate([prefix_weights, weights, suffix_weights])
            if self.spec.pooling == LAST_TOKEN_POOLING:
                # Each window counts as much as the tokens that it covers.
                total = token_weights.sum()
                token_weights = np.zeros(len(window_ids))
                token_weights[-1:] = total
            padded_length = -(-len(window_ids) // PADDING_MULTIPLE) * PADDING_MULTIPLE
            yield TokenWindow(
                item_index,
                number,
                window_ids,
                token_weights,
                min(padded_length, self._context_length),
            )

    def _sum_token_vectors(self, batch: list[TokenWindow]) -> np.ndarray:
        """Return the weighted sum of each row's token vectors, float64 [len(batch), dim]."""
        ids, mask, weights = self._make_input_tensors(batch)
        with torch.inference_mode():
            with self._compute.make_autocast_context():
                hidden = self._model(input_ids=ids, attention_mask=mask).last_hidden_state
            # hidden is [rows, padded, dim]
            sums = torch.einsum("rtd,rt->rd", hidden.float(), weights)
        return sums[: len(batch)].double().cpu().numpy()

    def _make_input_tensors(
        self, batch: list[TokenWindow]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return token ids, attention mask and token weights, each [rows, padded]."""
        device = self._compute.device
        shape = (BATCH_SIZES[device], batch[0].padded_length)
        ids = torch.full(shape, self._tokenizer.pad_token_id or 0)
        mask = torch.zeros(shape, dtype=torch.long)
        weights = torch.zeros(shape)
        for row, window in enumerate(islice(cycle(batch), BATCH_SIZES[device])):
            ids[row, : len(window.token_ids)] = torch.tensor(window.token_ids)
            mask[row, : len(window.token_ids)] = 1
            weights[row, : len(window.token_ids)] = torch.from_numpy(window.token_weights).float()
        return ids.to(device), mask.to(device), weights.to(device)


def _batch_windows_by_shape(
    windows: list[TokenWindow], batch_size: int
) -> Iterator[list[TokenWindow]]:
    """Split windows, sorted by shape, into batches of one shape."""
    for _, same_shape in groupby(windows, lambda window: window.batch_shape_key):
        remaining = iter(same_shape)
        while batch := list(islice(remaining, batch_size)):
            yield batch


def find_special_tokens_around_text(tokenizer: Any, encoder_id: str) -> tuple[list[int], list[int]]:
    """Return the tokens that a tokenizer puts before and after a text.

    Parameters
    ----------
    tokenizer : PreTrainedTokenizer
    encoder_id : str
        For the error message.

    Raises
    ------
    EarshotError
        If the tokenizer changes the text's own tokens.
    """
    text = "play"
    text_ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    all_ids = tokenizer(text)["input_ids"]
    starts = (
        start for start in range(len(all_ids)) if all_ids[start : start + len(text_ids)] == text_ids
    )
    start = next(starts, None)
    if not text_ids or start is None:
        raise EarshotError(f"{encoder_id} has a tokenizer that cannot be used.")
    return all_ids[:start], all_ids[start + len(text_ids) :]


def get_max_tokens_per_window(spec: EncoderSpec, folder: Path, config: Any, tokenizer: Any) -> int:
    """Return the maximum number of tokens per window.

    Parameters
    ----------
    spec : EncoderSpec
    folder : Path
        Folder of the model.
    config : PretrainedConfig
        Of the model.
    tokenizer : PreTrainedTokenizer

    Returns
    -------
    int
        The least of what the model supports, what it was trained on and what `spec` states.
    """
    position_count = config.max_position_embeddings
    if config.model_type in OFFSET_POSITION_MODEL_TYPES:
        position_count -= config.pad_token_id + 1
    limits = [position_count, spec.context_length, tokenizer.model_max_length]
    training_config = folder / "sentence_bert_config.json"
    if training_config.is_file():
        limits.append(load_json_config(training_config).get("max_seq_length"))
    return min(limit for limit in limits if limit)
