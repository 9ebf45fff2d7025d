"""wav2vec 2.0 and its kin: the mean of the last layer over a clip's frames."""

from __future__ import annotations

import numpy as np
import torch
import transformers
from torch import nn

from core.encoders import openvino
from core.encoders.audio import AudioEncoder
from core.encoders.compute import Compute
from core.encoders.registry import EncoderEntry
from core.encoders.transformer import load_feature_extractor, load_model, quiet
from core.encoders.windows import spread

# Attention grows with the square of the length, and speech was trained in pieces of at most
# half a minute; a longer clip is heard in equal pieces.
PIECE = 30.0  # seconds
# Of the noises by which OpenVINO is held against torch.
TRIED = (1.0, 0.5, 1.7)  # seconds


class SpeechEncoder(AudioEncoder):
    """A model of raw waveforms with its feature extractor, which sets the level."""

    def __init__(self, entry: EncoderEntry, compute: Compute):
        super().__init__(entry, compute.device)
        folder = entry.weights.locate(entry.id)
        self._compute = compute
        self._extract = load_feature_extractor(folder, entry.id)
        model = _MeanOfLastLayer(load_model(transformers.AutoModel, folder, entry.id)).eval()
        lengths = [int(seconds * entry.sample_rate) for seconds in TRIED]
        with quiet():
            faster = openvino.compiled(model, compute, lengths) if compute.openvino else None
        self._mean = faster or compute.prepare(model)

    def _hear(self, waveform: np.ndarray) -> np.ndarray:
        rate = self.entry.sample_rate
        inputs = self._extract(waveform, sampling_rate=rate, return_tensors="pt")
        values = inputs["input_values"].to(self._compute.device)  # [1, frames]
        pieces = spread(values.shape[1], int(PIECE * rate))
        means = []
        for start, stop in pieces:
            with torch.inference_mode(), self._compute.autocast():
                # Copied to where torch aligns memory, as results may depend on that, too.
                means.append(self._mean(values[:, start:stop].clone()))
        return torch.cat(means).mean(dim=0).cpu().numpy()


class _MeanOfLastLayer(nn.Module):
    """From a waveform [1, frames] to float32 [1, dim]."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self._model = model

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        hidden = self._model(waveform).last_hidden_state  # [1, steps, dim]
        return hidden.float().mean(dim=1)
