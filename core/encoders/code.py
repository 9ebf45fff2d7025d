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

from core.encoders.compute import Compute
from core.encoders.encoder import EmbedError, Encoder
from core.encoders.parallel import map_items
from core.encoders.registry import EncoderEntry
from core.encoders.transformer import load_model, load_tokenizer
from core.encoders.weights import json_settings
from core.encoders.windows import shares, spread
from core.errors import EarshotError

# Rows are padded to a multiple of this many tokens: kernels are built once per shape.
STEP = 16
# Rows of a batch, which is always full, so that the shapes a row passes through follow from that
# row alone (see `core.encoders.parallel`). On a CPU a row is a batch by itself, and every bit of
# its vector depends on it alone. A GPU would idle at one row; there the shapes are as fixed, but
# nothing promises that a kernel treats each place in the batch alike.
ROWS = {"cpu": 1, "cuda": 16}
# Share of a window that it has in common with the next one.
OVERLAP = 0.25
# Far more than Sonic Pi itself takes in one buffer; a paste by mistake must not take minutes.
MOST_CHARACTERS = 200_000
# Models that number positions from the padding token's id on.
OFFSET_POSITIONS = {"mpnet", "roberta", "xlm-roberta"}


@dataclass(frozen=True)
class _Row:
    """One window of one program."""

    place: int  # of the program among the items
    number: int  # of the window in the program
    tokens: list[int]
    weights: np.ndarray  # float64 [len(tokens)]
    padded: int


class CodeEncoder(Encoder):
    """A transformer model with its tokenizer."""

    def __init__(self, entry: EncoderEntry, compute: Compute):
        super().__init__(entry)
        folder = entry.weights.locate(entry.id)
        self._compute = compute
        self._tokenizer = load_tokenizer(folder, entry.id)
        # Setting up padding and truncation changes the tokenizer, which threads share.
        self._tokenizing = threading.Lock()
        model = load_model(transformers.AutoModel, folder, entry.id)
        self._window = window_of(entry, folder, model.config, self._tokenizer)
        self._model = compute.prepare(model)
        self._head, self._tail = self._specials()

    def _specials(self) -> tuple[list[int], list[int]]:
        """Tokens that the model wants before and after a text."""
        text = "play"
        bare = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        framed = self._tokenizer(text)["input_ids"]
        start = next(
            (at for at in range(len(framed)) if framed[at : at + len(bare)] == bare), None
        )
        if not bare or start is None:
            raise EarshotError(f"{self.entry.id} has a tokenizer that cannot be used.")
        head, tail = framed[:start], framed[start + len(bare) :]
        if self.entry.mode_token:
            mode = self._tokenizer.convert_tokens_to_ids(self.entry.mode_token)
            head = [*head, mode, self._tokenizer.sep_token_id]
        return head, tail

    def _embedded(self, items: Sequence[str]) -> Iterator[tuple[list[int], np.ndarray]]:
        rows = self._rows([_checked(item, place) for place, item in enumerate(items)])
        left = np.bincount([row.place for row in rows], minlength=len(items))
        sums = np.zeros((len(items), self.entry.dim))
        totals = np.zeros(len(items))
        device = self._compute.device
        batches = list(_batches(rows, ROWS[device]))
        results = map_items(self._weighted_sums, batches, device)
        for batch, batch_sums in zip(batches, results, strict=True):
            for row, summed in zip(batch, batch_sums, strict=True):
                sums[row.place] += summed
                totals[row.place] += row.weights.sum()
                left[row.place] -= 1
            done = sorted({row.place for row in batch if left[row.place] == 0})
            yield done, (sums[done] / totals[done, None]).astype(np.float32)

    def _rows(self, sources: list[str]) -> list[_Row]:
        """Windows of all programs, short ones first; a program's windows stay in order."""
        if not sources:
            return []
        with self._tokenizing:
            tokenized = self._tokenizer(
                sources,
                add_special_tokens=False,
                truncation=False,
                padding=False,
                return_attention_mask=False,
                verbose=False,
            )["input_ids"]
        rows = [row for place, ids in enumerate(tokenized) for row in self._cut(place, ids)]
        return sorted(
            rows,
            key=lambda row: (row.padded, len(row.tokens) == row.padded, row.place, row.number),
        )

    def _cut(self, place: int, ids: list[int]) -> Iterator[_Row]:
        room = self._window - len(self._head) - len(self._tail)
        windows = spread(len(ids), room, int(room * OVERLAP))
        # The special tokens of all windows together weigh as much as those of one.
        head = np.full(len(self._head), 1 / len(windows))
        tail = np.full(len(self._tail), 1 / len(windows))
        weights = shares(len(ids), windows)
        for number, ((start, stop), weight) in enumerate(zip(windows, weights, strict=True)):
            tokens = [*self._head, *ids[start:stop], *self._tail]
            padded = min(-(-len(tokens) // STEP) * STEP, self._window)
            yield _Row(place, number, tokens, np.concatenate([head, weight, tail]), padded)

    def _weighted_sums(self, batch: list[_Row]) -> np.ndarray:
        """Sum of each row's token vectors by their weights, float64 [len(batch), dim]."""
        device = self._compute.device
        shape = (ROWS[device], batch[0].padded)
        ids = torch.full(shape, self._tokenizer.pad_token_id or 0)
        mask = torch.zeros(shape, dtype=torch.long)
        weights = torch.zeros(shape)
        for at, row in enumerate(islice(cycle(batch), ROWS[device])):
            ids[at, : len(row.tokens)] = torch.tensor(row.tokens)
            mask[at, : len(row.tokens)] = 1
            weights[at, : len(row.tokens)] = torch.from_numpy(row.weights).float()
        with torch.inference_mode():
            with self._compute.autocast():
                hidden = self._model(
                    input_ids=ids.to(device), attention_mask=mask.to(device)
                ).last_hidden_state  # [rows, padded, dim]
            summed = torch.einsum("rtd,rt->rd", hidden.float(), weights.to(device))
        return summed[: len(batch)].double().cpu().numpy()


def _checked(item: str, place: int) -> str:
    """Return the source as text that a tokenizer takes."""
    if not isinstance(item, str):
        raise EmbedError(f"A program is text, not {type(item).__name__}.", place)
    if len(item) > MOST_CHARACTERS:
        raise EmbedError(
            f"The program has {len(item):,} characters; {MOST_CHARACTERS:,} are the most that"
            " are embedded.",
            place,
            remedy="Split it.",
        )
    # Halves of surrogate pairs, from files that are not UTF-8, are in no text.
    return item.encode("utf-8", "replace").decode()


def _batches(rows: list[_Row], most: int) -> Iterator[list[_Row]]:
    """Split sorted rows into batches of one padded length.

    A row without padding shares no batch with one that has some: attention to rows none of which
    is padded takes no mask, and with it another kernel.
    """
    for _, alike in groupby(rows, lambda row: (row.padded, len(row.tokens) == row.padded)):
        remaining = iter(alike)
        while batch := list(islice(remaining, most)):
            yield batch


def window_of(entry: EncoderEntry, folder: Path, config: Any, tokenizer: Any) -> int:
    """Most tokens that the model was made, or trained, to read at once."""
    positions = config.max_position_embeddings
    if config.model_type in OFFSET_POSITIONS:
        positions -= config.pad_token_id + 1
    limits = [positions, entry.window, tokenizer.model_max_length]
    trained = folder / "sentence_bert_config.json"
    if trained.is_file():
        limits.append(json_settings(trained).get("max_seq_length"))
    return min(limit for limit in limits if limit)
