"""The encoder jina-embeddings-v2-base-code: a BERT with relative positions and gated layers.

M. Günther et al.: Jina Embeddings 2: 8192-Token General-Purpose Text Embeddings for Long Documents,
arXiv 2310.19923. O. Press et al.: Train Short, Test Long, ICLR 2022 (ALiBi). The model's repository
contains its network as code, which is not run: this is the same network written anew.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from core.encoders.network_checkpoint_loading import load_network_from_checkpoint
from core.encoders.transformer_text_encoder import TextEncoder

GATE_ACTIVATIONS = {"geglu": functional.gelu, "reglu": functional.relu}


class JinaBertEncoder(TextEncoder):
    """Mean of the network's vectors over all tokens of a program."""

    def _load_transformer_model(self, folder: Path) -> nn.Module:
        return load_network_from_checkpoint(
            lambda config: JinaBertNetwork(
                SimpleNamespace(**{"model_type": "jina_bert", **config})
            ),
            folder,
            self.spec.id,
            "bert.",
        )


class JinaBertNetwork(nn.Module):
    """The network, with its tensors under the names of the checkpoint.

    Parameters
    ----------
    settings : SimpleNamespace
        The values of the checkpoint's config.json.
    """

    def __init__(self, settings: SimpleNamespace):
        super().__init__()
        self.config = settings
        self.embeddings: Any = nn.ModuleDict(
            {
                "word_embeddings": nn.Embedding(settings.vocab_size, settings.hidden_size),
                "token_type_embeddings": nn.Embedding(
                    settings.type_vocab_size, settings.hidden_size
                ),
                "LayerNorm": _make_layer_norm(settings),
            }
        )
        self.encoder: Any = nn.ModuleDict(
            {"layer": nn.ModuleList(_Layer(settings) for _ in range(settings.num_hidden_layers))}
        )

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> SimpleNamespace:
        """Return an object with `last_hidden_state`, [rows, tokens, hidden]."""
        hidden = self.embeddings["word_embeddings"](input_ids)
        hidden = hidden + self.embeddings["token_type_embeddings"].weight[0]
        hidden = self.embeddings["LayerNorm"](hidden)
        bias = compute_alibi_bias(input_ids.shape[1], self.config.num_attention_heads)
        bias = bias.to(hidden.device)[None]  # [1, heads, tokens, tokens]
        is_padding = (attention_mask == 0)[:, None, None, :]  # [rows, 1, 1, tokens]
        bias = bias.masked_fill(is_padding, torch.finfo(bias.dtype).min)
        for layer in self.encoder["layer"]:
            hidden = layer(hidden, bias)
        return SimpleNamespace(last_hidden_state=hidden)


class _Layer(nn.Module):
    """Attention and a gated layer; the attention is normalized twice, as in the checkpoint."""

    def __init__(self, settings: SimpleNamespace):
        super().__init__()
        size, inner_size = settings.hidden_size, settings.intermediate_size
        self._head_count = settings.num_attention_heads
        self._gate_activation: Any = GATE_ACTIVATIONS[settings.feed_forward_type]
        self.attention: Any = nn.ModuleDict(
            {
                "self": nn.ModuleDict(
                    {
                        "query": nn.Linear(size, size),
                        "key": nn.Linear(size, size),
                        "value": nn.Linear(size, size),
                        "layer_norm_q": _make_layer_norm(settings),
                        "layer_norm_k": _make_layer_norm(settings),
                    }
                ),
                "output": nn.ModuleDict(
                    {"dense": nn.Linear(size, size), "LayerNorm": _make_layer_norm(settings)}
                ),
            }
        )
        self.layer_norm_1, self.layer_norm_2 = (
            _make_layer_norm(settings),
            _make_layer_norm(settings),
        )
        self.mlp = nn.ModuleDict(
            {
                "up_gated_layer": nn.Linear(size, 2 * inner_size, bias=False),
                "down_layer": nn.Linear(inner_size, size),
            }
        )

    def forward(self, hidden: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        attended = self._compute_attention(hidden, bias)
        hidden = self.layer_norm_1(hidden + attended)
        values, gates = self.mlp["up_gated_layer"](hidden).chunk(2, dim=-1)
        gated = self.mlp["down_layer"](values * self._gate_activation(gates))
        normalized: torch.Tensor = self.layer_norm_2(hidden + gated)
        return normalized

    def _compute_attention(self, hidden: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        projections = self.attention["self"]
        queries = projections["layer_norm_q"](projections["query"](hidden))
        keys = projections["layer_norm_k"](projections["key"](hidden))
        values = projections["value"](hidden)
        # [rows, heads, tokens, size of a head]
        queries, keys, values = (
            part.unflatten(2, (self._head_count, -1)).transpose(1, 2).to(values.dtype)
            for part in (queries, keys, values)
        )
        attended = functional.scaled_dot_product_attention(
            queries, keys, values, attn_mask=bias.to(queries.dtype)
        )
        output = self.attention["output"]
        mixed = output["dense"](attended.transpose(1, 2).flatten(2))
        normalized: torch.Tensor = output["LayerNorm"](mixed + hidden)
        return normalized


def _make_layer_norm(settings: SimpleNamespace) -> nn.LayerNorm:
    return nn.LayerNorm(settings.hidden_size, eps=settings.layer_norm_eps)


def compute_alibi_bias(token_count: int, head_count: int) -> torch.Tensor:
    """Return the attention bias that grows with distance, alike in both directions.

    Parameters
    ----------
    token_count, head_count : int

    Returns
    -------
    float32 [head_count, token_count, token_count]
        Minus the distance of two tokens times the slope of the head.
    """
    positions = torch.arange(token_count)
    distances = (positions[None] - positions[:, None]).abs().float()
    return -torch.tensor(list_alibi_slopes(head_count))[:, None, None] * distances


def list_alibi_slopes(head_count: int) -> list[float]:
    """Return the slopes of the heads: powers of 2 ** (-8 / heads).

    Where the number of heads is no power of 2, the slopes of the next lower power come first, then
    every other slope of twice that power.

    Examples
    --------
    >>> list_alibi_slopes(4)
    [0.25, 0.0625, 0.015625, 0.00390625]
    >>> len(list_alibi_slopes(12))
    12
    """
    power = 2 ** (head_count.bit_length() - 1)
    slopes = [2.0 ** (-8 * (head + 1) / power) for head in range(power)]
    finer_slopes = [2.0 ** (-4 * (head + 1) / power) for head in range(0, 2 * power, 2)]
    return slopes + finer_slopes[: head_count - power]
