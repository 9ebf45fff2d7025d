"""Code encoders: transformer models that read a program as text.

An embedding is the mean of the last layer's vectors over all tokens of the program. Programs
longer than the model's window are read in overlapping windows; a token that lies in several of
them counts as one, with the mean of its vectors there.
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

from core.encoders.device import ComputeConfig
from core.encoders.base import EmbedError, Encoder
from core.encoders.parallel import map_items
from core.encoders.registry import EncoderSpec
from core.encoders.transformer import load_model, load_tokenizer
from core.encoders.weights import load_json_config
from core.encoders.windowing import compute_window_weights, split_into_windows
from core.errors import EarshotError

# Rows are padded to a multiple of this many tokens: kernels are built once per shape.
PADDING_MULTIPLE = 16
# Rows of a batch, which is always full, so that the shapes a row passes through follow from that
# row alone (see `core.encoders.parallel`). On a CPU a row is a batch by itself, and every bit of
# its vector depends on it alone. A GPU would idle at one row; there the shapes are as fixed, but
# nothing promises that a kernel treats each place in the batch alike.
BATCH_SIZES = {"cpu": 1, "cuda": 16}
# Share of a window that it has in common with the next one.
WINDOW_OVERLAP_FRACTION = 0.25
# Far more than Sonic Pi itself takes in one buffer; a paste by mistake must not take minutes.
MAX_PROGRAM_CHARS = 200_000
# Models that number positions from the padding token's id on.
OFFSET_POSITION_MODEL_TYPES = {"mpnet", "roberta", "xlm-roberta"}


@dataclass(frozen=True)
class _TokenWindow:
    """One window of one program."""

    item_index: int  # of the program among the items
    window_index: int  # of the window in the program
    token_ids: list[int]
    token_weights: np.ndarray  # float64 [len(tokens)]
    padded_length: int


class TextEncoder(Encoder):
    """A transformer model with its tokenizer."""

    def __init__(self, spec: EncoderSpec, compute: ComputeConfig):
        super().__init__(spec)
        folder = spec.weights.resolve_weights_path(spec.id)
        self._compute = compute
        self._tokenizer = load_tokenizer(folder, spec.id)
        # Setting up padding and truncation changes the tokenizer, which threads share.
        self._tokenizer_lock = threading.Lock()
        model = load_model(transformers.AutoModel, folder, spec.id)
        self._context_length = get_context_length(spec, folder, model.config, self._tokenizer)
        self._model = compute.prepare_model(model)
        self._prefix_ids, self._suffix_ids = self._find_special_tokens()

    def _find_special_tokens(self) -> tuple[list[int], list[int]]:
        """Tokens that the model wants before and after a text."""
        text = "play"
        bare = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        framed = self._tokenizer(text)["input_ids"]
        start = next((at for at in range(len(framed)) if framed[at : at + len(bare)] == bare), None)
        if not bare or start is None:
            raise EarshotError(f"{self.spec.id} has a tokenizer that cannot be used.")
        head, tail = framed[:start], framed[start + len(bare) :]
        if self.spec.mode_token:
            mode = self._tokenizer.convert_tokens_to_ids(self.spec.mode_token)
            head = [*head, mode, self._tokenizer.sep_token_id]
        return head, tail

    def _embed_batches(self, items: Sequence[str]) -> Iterator[tuple[list[int], np.ndarray]]:
        rows = self._tokenize_sources([_validate_source(item, place) for place, item in enumerate(items)])
        left = np.bincount([row.item_index for row in rows], minlength=len(items))
        sums = np.zeros((len(items), self.spec.dim))
        totals = np.zeros(len(items))
        device = self._compute.device
        batches = list(_batch_by_length(rows, BATCH_SIZES[device]))
        results = map_items(self._sum_token_vectors, batches, device)
        for batch, batch_sums in zip(batches, results, strict=True):
            for row, summed in zip(batch, batch_sums, strict=True):
                sums[row.item_index] += summed
                totals[row.item_index] += row.token_weights.sum()
                left[row.item_index] -= 1
            done = sorted({row.item_index for row in batch if left[row.item_index] == 0})
            yield done, (sums[done] / totals[done, None]).astype(np.float32)

    def _tokenize_sources(self, sources: list[str]) -> list[_TokenWindow]:
        """Windows of all programs, short ones first; a program's windows stay in order."""
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
        rows = [row for place, ids in enumerate(tokenized) for row in self._build_token_windows(place, ids)]
        return sorted(
            rows,
            key=lambda row: (row.padded_length, len(row.token_ids) == row.padded_length, row.item_index, row.window_index),
        )

    def _build_token_windows(self, item_index: int, token_ids: list[int]) -> Iterator[_TokenWindow]:
        room = self._context_length - len(self._prefix_ids) - len(self._suffix_ids)
        windows = split_into_windows(len(token_ids), room, int(room * WINDOW_OVERLAP_FRACTION))
        # The special tokens of all windows together weigh as much as those of one.
        head = np.full(len(self._prefix_ids), 1 / len(windows))
        tail = np.full(len(self._suffix_ids), 1 / len(windows))
        weights = compute_window_weights(len(token_ids), windows)
        for number, ((start, stop), weight) in enumerate(zip(windows, weights, strict=True)):
            tokens = [*self._prefix_ids, *token_ids[start:stop], *self._suffix_ids]
            padded = min(-(-len(tokens) // PADDING_MULTIPLE) * PADDING_MULTIPLE, self._context_length)
            yield _TokenWindow(item_index, number, tokens, np.concatenate([head, weight, tail]), padded)

    def _sum_token_vectors(self, batch: list[_TokenWindow]) -> np.ndarray:
        """Sum of each row's token vectors by their weights, float64 [len(batch), dim]."""
        device = self._compute.device
        shape = (BATCH_SIZES[device], batch[0].padded_length)
        ids = torch.full(shape, self._tokenizer.pad_token_id or 0)
        mask = torch.zeros(shape, dtype=torch.long)
        weights = torch.zeros(shape)
        for at, row in enumerate(islice(cycle(batch), BATCH_SIZES[device])):
            ids[at, : len(row.token_ids)] = torch.tensor(row.token_ids)
            mask[at, : len(row.token_ids)] = 1
            weights[at, : len(row.token_ids)] = torch.from_numpy(row.token_weights).float()
        with torch.inference_mode():
            with self._compute.autocast():
                hidden = self._model(
                    input_ids=ids.to(device), attention_mask=mask.to(device)
                ).last_hidden_state  # [rows, padded, dim]
            summed = torch.einsum("rtd,rt->rd", hidden.float(), weights.to(device))
        return summed[: len(batch)].double().cpu().numpy()


def _validate_source(source: str, item_index: int) -> str:
    """Return the source as text that a tokenizer takes."""
    if not isinstance(source, str):
        raise EmbedError(f"A program is text, not {type(source).__name__}.", item_index)
    if len(source) > MAX_PROGRAM_CHARS:
        raise EmbedError(
            f"The program has {len(source):,} characters; {MAX_PROGRAM_CHARS:,} are the most that"
            " are embedded.",
            item_index,
            remedy="Split it.",
        )
    # Halves of surrogate pairs, from files that are not UTF-8, are in no text.
    return source.encode("utf-8", "replace").decode()


def _batch_by_length(windows: list[_TokenWindow], batch_size: int) -> Iterator[list[_TokenWindow]]:
    """Split sorted rows into batches of one padded length.

    A row without padding shares no batch with one that has some: attention to rows none of which
    is padded takes no mask, and with it another kernel.
    """
    for _, alike in groupby(windows, lambda row: (row.padded_length, len(row.token_ids) == row.padded_length)):
        remaining = iter(alike)
        while batch := list(islice(remaining, batch_size)):
            yield batch


def get_context_length(spec: EncoderSpec, folder: Path, config: Any, tokenizer: Any) -> int:
    """Most tokens that the model was made, or trained, to read at once."""
    positions = config.max_position_embeddings
    if config.model_type in OFFSET_POSITION_MODEL_TYPES:
        positions -= config.pad_token_id + 1
    limits = [positions, spec.context_length, tokenizer.model_max_length]
    trained = folder / "sentence_bert_config.json"
    if trained.is_file():
        limits.append(load_json_config(trained).get("max_seq_length"))
    return min(limit for limit in limits if limit)
