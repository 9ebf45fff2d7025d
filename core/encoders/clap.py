"""The audio tower of CLAP: a spectrogram transformer trained on sounds and their descriptions."""

from __future__ import annotations

import threading

import numpy as np
import torch
import transformers
from threadpoolctl import ThreadpoolController

from core.encoders.audio import AudioEncoder
from core.encoders.compute import Compute
from core.encoders.registry import EncoderEntry
from core.encoders.transformer import load_feature_extractor, load_model
from core.encoders.windows import spread

_limiting_numpy = threading.Lock()


class ClapEncoder(AudioEncoder):
    """Hears pieces of the length that CLAP was trained on, and takes their mean direction.

    Its own feature extractor would cut ten seconds from a random place.
    """

    def __init__(self, entry: EncoderEntry, compute: Compute):
        super().__init__(entry, compute.device)
        folder = entry.weights.locate(entry.id)
        self._compute = compute
        self._extract = load_feature_extractor(folder, entry.id)
        self._numpy_threads = ThreadpoolController()
        tower = load_model(transformers.ClapAudioModelWithProjection, folder, entry.id)
        self._truncation = "fusion" if tower.config.enable_fusion else "rand_trunc"
        self._model = compute.prepare(tower)

    def _hear(self, waveform: np.ndarray) -> np.ndarray:
        # CLAP was trained on 16-bit sound at its own level, so that is left alone.
        waveform = np.clip(waveform, -1, 1)
        total = torch.zeros(self.entry.dim)
        for start, stop in spread(len(waveform), self._extract.nb_max_samples):
            inputs = self._features(waveform[start:stop]).to(self._compute.device)
            with torch.inference_mode(), self._compute.autocast():
                vector = self._model(**inputs).audio_embeds[0]
            total += torch.nn.functional.normalize(vector.float(), dim=0).cpu()
        return torch.nn.functional.normalize(total, dim=0).numpy()

    def _features(self, piece: np.ndarray) -> transformers.BatchFeature:
        """Mel spectrogram of a piece.

        numpy multiplies by the mel bands, and its sums depend on how many threads it uses. That
        number belongs to the process, so only one thread sets and resets it at a time.
        """
        with _limiting_numpy, self._numpy_threads.limit(limits=1, user_api="blas"):
            return self._extract(
                piece,
                sampling_rate=self.entry.sample_rate,
                truncation=self._truncation,
                return_tensors="pt",
            )
