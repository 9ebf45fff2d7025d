"""MuQ-MuLan: music and its descriptions in one space, without any training here.

Zhu et al., "MuQ: Self-Supervised Music Representation Learning with Mel Residual Vector
Quantization", 2025 (arXiv 2501.01108), in the way of MuLan (Huang et al., ISMIR 2022): MuQ for
audio and XLM-RoBERTa for text, each followed by a transformer without positions and a projection.
Written anew. Its config.json names the two models; their configurations are read from where
`core.encoders.hub_weights.locate_companion_folder` finds them, their weights from MuQ-MuLan's own
file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from torch import nn
from torch.nn import functional

from core.encoders.audio_encoder_base import AudioEncoder
from core.encoders.encoder_device_and_precision import ComputeConfig
from core.encoders.encoder_spec import EncoderSpec
from core.encoders.hub_weights import locate_companion_folder
from core.encoders.model_weight_sources import load_json_config
from core.encoders.muq import MuqNetwork
from core.encoders.network_checkpoint_loading import load_network_from_checkpoint
from core.encoders.transformer_text_encoder import TextEncoder, TokenWindow

TENSOR_NAME_PREFIX = "mulan."
ATTENTION_SCALE = 8.0
"""Factor of the cosines of queries and keys before the softmax."""


class MuqMulanAudioEncoder(AudioEncoder):
    """Mean of the unit vectors of windows of the length it was trained on; always in fp32.

    Parameters
    ----------
    spec : EncoderSpec
    compute : ComputeConfig
    """

    def __init__(self, spec: EncoderSpec, compute: ComputeConfig):
        super().__init__(spec, compute.device)
        folder = spec.weights.locate_or_download_weights(spec.id)

        def build_network(config: dict[str, Any]) -> MuqMulanAudioTower:
            name = config["audio_model"]["name"]
            muq_folder = locate_companion_folder(spec.weights, folder, name, spec.id)
            return MuqMulanAudioTower(config, load_json_config(muq_folder / "config.json"))

        network = load_network_from_checkpoint(build_network, folder, spec.id, TENSOR_NAME_PREFIX)
        self._network = network.to(compute.device).eval()

    def _embed_waveform(self, waveform: np.ndarray) -> np.ndarray:
        frames = int(self._network.window_seconds * self._sample_rate)
        windows = [
            torch.from_numpy(window).to(self._device)
            for window in split_waveform_and_fill_last_window(waveform, frames)
        ]
        with torch.inference_mode():
            vectors = [self._network(window[None])[0] for window in windows]
        return torch.stack(vectors).mean(dim=0).cpu().numpy()


def split_waveform_and_fill_last_window(waveform: np.ndarray, frames: int) -> list[np.ndarray]:
    """Split a waveform into windows; the rest is filled up from the beginning of the waveform.

    So does the model's own code. A waveform of less than half a window is repeated once.

    Parameters
    ----------
    waveform : float32 [n]
    frames : int
        Length of a window.
    """
    rest_start = len(waveform) // frames * frames
    windows = [waveform[start : start + frames] for start in range(0, rest_start, frames)]
    if rest_start < len(waveform):
        missing = frames - (len(waveform) - rest_start)
        windows.append(np.concatenate([waveform[rest_start:], waveform[:missing]]))
    return [np.ascontiguousarray(window, np.float32) for window in windows]


class MuqMulanTextEncoder(TextEncoder):
    """Mean direction of the tower's vectors over the windows of a program."""

    def _locate_tokenizer_folder(self, folder: Path) -> Path:
        name = load_json_config(folder / "config.json")["text_model"]["name"]
        return locate_companion_folder(self.spec.weights, folder, name, self.spec.id)

    def _load_transformer_model(self, folder: Path) -> nn.Module:
        roberta_folder = self._locate_tokenizer_folder(folder)

        def build_network(config: dict[str, Any]) -> MuqMulanTextTower:
            roberta_config = transformers.XLMRobertaConfig.from_pretrained(
                roberta_folder, local_files_only=True
            )
            return MuqMulanTextTower(config, roberta_config)

        return load_network_from_checkpoint(build_network, folder, self.spec.id, TENSOR_NAME_PREFIX)

    def _sum_token_vectors(self, batch: list[TokenWindow]) -> np.ndarray:
        """Return each row's vector times the weight of its tokens, float64 [len(batch), dim]."""
        ids, mask, weights = self._make_input_tensors(batch)
        with torch.inference_mode(), self._compute.make_autocast_context():
            vectors = self._model(ids, mask)
        sums = vectors.float() * weights.sum(dim=1)[:, None]
        return sums[: len(batch)].double().cpu().numpy()


class MuqMulanAudioTower(nn.Module):
    """From waveforms at 24 kHz to unit vectors of the shared space.

    Parameters
    ----------
    config : dict
        Content of MuQ-MuLan's config.json.
    muq_config : dict
        Content of MuQ's.
    """

    def __init__(self, config: dict[str, Any], muq_config: dict[str, Any]):
        super().__init__()
        settings = config["audio_transformer"]
        muq = MuqNetwork(muq_config)
        self.window_seconds = float(config["mulan"].get("clip_secs", 10))
        self._layer = int(config["audio_model"].get("use_layer_idx", -1))
        width = int(muq_config.get("encoder_dim", 1024))
        self.audio = nn.ModuleDict(
            {
                "model": nn.ModuleDict({"model": muq}),
                "proj": nn.Linear(width, int(settings["dim"])),
                "transformer": _Transformer(settings),
            }
        )
        self.audio_to_latents = nn.Linear(int(settings["dim"]), int(config["mulan"]["dim_latent"]))
        self._muq = [muq]  # In a list, so that its tensors have one name.

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Return unit vectors, float32 [n, dim], of waveforms [n, frames]."""
        steps = self.audio["proj"](self._muq[0].compute_layer(waveforms, self._layer))
        hidden = self.audio["transformer"](steps).mean(dim=1)
        return functional.normalize(self.audio_to_latents(hidden), dim=-1)


class MuqMulanTextTower(nn.Module):
    """From token ids to unit vectors of the shared space.

    Parameters
    ----------
    config : dict
        Content of MuQ-MuLan's config.json.
    roberta_config : XLMRobertaConfig
        Of the text model.
    """

    def __init__(self, config: dict[str, Any], roberta_config: Any):
        super().__init__()
        self.config = roberta_config
        settings = config["text_transformer"]
        width, dim = int(roberta_config.hidden_size), int(settings["dim"])
        self.text = nn.ModuleDict(
            {
                "model": transformers.XLMRobertaModel(roberta_config),
                "proj": nn.Identity() if width == dim else nn.Linear(width, dim),
                "transformer": _Transformer(settings),
            }
        )
        self.text_to_latents = nn.Linear(dim, int(config["mulan"]["dim_latent"]))

    def forward(self, token_ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return unit vectors, float [n, dim], of token ids [n, tokens] that the mask names."""
        hidden = self.text["model"](input_ids=token_ids, attention_mask=mask).last_hidden_state
        hidden = self.text["transformer"](self.text["proj"](hidden), mask.bool())
        share = mask / mask.sum(dim=1, keepdim=True)  # [n, tokens]
        mean = (hidden.float() * share[:, :, None]).sum(dim=1)
        return functional.normalize(self.text_to_latents(mean).float(), dim=-1)


class _Transformer(nn.Module):
    """Layers of attention and feedforward, each added to its input."""

    def __init__(self, settings: dict[str, Any]):
        super().__init__()
        dim, heads = int(settings["dim"]), int(settings.get("heads", 8))
        head_dim, factor = int(settings.get("dim_head", 64)), settings.get("ff_mult", 4)
        self.layers = nn.ModuleList(
            nn.ModuleList(
                [
                    _Attention(dim, heads, head_dim),
                    _build_feedforward(dim, int(dim * factor * 2 / 3)),
                ]
            )
            for _ in range(int(settings["tf_depth"]))
        )

    def forward(self, steps: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """Return float [n, steps, dim]; a mask, bool [n, steps], names the steps to attend to."""
        for layer in self.layers:
            attention, feedforward = layer.children()
            steps = attention(steps, mask) + steps
            steps = feedforward(steps) + steps
        return steps


class _ScaledLayerNorm(nn.Module):
    """Layer normalization without a bias."""

    def __init__(self, dim: int):
        super().__init__()
        self.learned_gamma = nn.Parameter(torch.ones(dim))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.layer_norm(x, x.shape[-1:], self.learned_gamma)


class _Attention(nn.Module):
    """Attention by the cosines of queries and keys, each scaled per dimension."""

    def __init__(self, dim: int, heads: int, head_dim: int):
        super().__init__()
        self.norm = _ScaledLayerNorm(dim)
        self.to_q = nn.Linear(dim, heads * head_dim, bias=False)
        self.to_kv = nn.Linear(dim, 2 * heads * head_dim, bias=False)
        self.q_scale = nn.Parameter(torch.ones(head_dim))
        self.k_scale = nn.Parameter(torch.ones(head_dim))
        self.to_out = nn.Sequential(nn.Linear(heads * head_dim, dim, bias=False))

    def forward(self, steps: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        steps = self.norm(steps)
        head_dim = len(self.q_scale)
        query, key, value = (
            projected.unflatten(-1, (-1, head_dim)).transpose(1, 2)  # [n, heads, steps, head_dim]
            for projected in (self.to_q(steps), *self.to_kv(steps).chunk(2, dim=-1))
        )
        query = functional.normalize(query, dim=-1) * self.q_scale
        key = functional.normalize(key, dim=-1) * self.k_scale
        attended = functional.scaled_dot_product_attention(
            query,
            key.to(query.dtype),
            value.to(query.dtype),
            attn_mask=None if mask is None else mask[:, None, None],
            scale=ATTENTION_SCALE,
        )
        output: torch.Tensor = self.to_out(attended.transpose(1, 2).flatten(start_dim=2))
        return output


class _GatedGelu(nn.Module):
    """The first half of the columns times the GELU of the second."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        values, gates = x.chunk(2, dim=-1)
        return values * functional.gelu(gates)


def _build_feedforward(dim: int, hidden_dim: int) -> nn.Sequential:
    return nn.Sequential(
        _ScaledLayerNorm(dim),
        nn.Linear(dim, 2 * hidden_dim, bias=False),
        _GatedGelu(),
        nn.Identity(),  # Dropout in training; it keeps the names of the tensors.
        nn.Linear(hidden_dim, dim, bias=False),
    )
