"""wav2vec 2.0 and its kin: the mean of the last layer over a clip's frames."""

from __future__ import annotations

import numpy as np
import torch
import transformers

from core.encoders.audio import AudioEncoder
from core.encoders.compute import Compute
from core.encoders.registry import EncoderEntry
from core.encoders.transformer import load_feature_extractor, load_model
from core.encoders.windows import spread

# Attention grows with the square of the length, and speech was trained in pieces of at most
# half a minute; a longer clip is heard in equal pieces.
PIECE = 30.0  # seconds


class SpeechEncoder(AudioEncoder):
    """A model of raw waveforms with its feature extractor, which sets the level."""

    def __init__(self, entry: EncoderEntry, compute: Compute):
        super().__init__(entry)
        folder = entry.weights.locate(entry.id)
        self._compute = compute
        self._extract = load_feature_extractor(folder, entry.id)
        self._model = compute.prepare(load_model(transformers.AutoModel, folder, entry.id))

    def _hear(self, waveform: np.ndarray) -> np.ndarray:
        rate = self.entry.sample_rate
        inputs = self._extract(waveform, sampling_rate=rate, return_tensors="pt")
        values = inputs["input_values"].to(self._compute.device)  # [1, frames]
        pieces = spread(values.shape[1], int(PIECE * rate))
        means = []
        for start, stop in pieces:
            with torch.inference_mode(), self._compute.autocast():
                hidden = self._model(values[:, start:stop]).last_hidden_state  # [1, steps, dim]
            means.append(hidden.float().mean(dim=1))
        return torch.cat(means).mean(dim=0).cpu().numpy()
