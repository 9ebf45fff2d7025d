"""The audio tower of CLAP: a spectrogram transformer trained on sounds and their descriptions."""

from __future__ import annotations

import threading

import numpy as np
import torch
import transformers
from threadpoolctl import ThreadpoolController

from core.encoders.audio import AudioEncoder
from core.encoders.device import ComputeConfig
from core.encoders.registry import EncoderSpec
from core.encoders.transformer import load_feature_extractor, load_model
from core.encoders.windowing import split_into_windows

_limiting_numpy = threading.Lock()


class ClapEncoder(AudioEncoder):
    """Hears pieces of the length that CLAP was trained on, and takes their mean direction.

    Its own feature extractor would cut ten seconds from a random place.
    """

    def __init__(self, spec: EncoderSpec, compute: ComputeConfig):
        super().__init__(spec, compute.device)
        folder = spec.weights.resolve_weights_path(spec.id)
        self._compute = compute
        self._feature_extractor = load_feature_extractor(folder, spec.id)
        self._numpy_threads = ThreadpoolController()
        tower = load_model(transformers.ClapAudioModelWithProjection, folder, spec.id)
        self._truncation_mode = "fusion" if tower.config.enable_fusion else "rand_trunc"
        self._model = compute.prepare_model(tower)

    def _embed_waveform(self, waveform: np.ndarray) -> np.ndarray:
        # CLAP was trained on 16-bit sound at its own level, so that is left alone.
        waveform = np.clip(waveform, -1, 1)
        total = torch.zeros(self.spec.dim)
        for start, stop in split_into_windows(len(waveform), self._feature_extractor.nb_max_samples):
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
            return self._feature_extractor(
                piece,
                sampling_rate=self.spec.sample_rate,
                truncation=self._truncation_mode,
                return_tensors="pt",
            )
