"""The CLAP encoders: the audio tower of a model trained on audio and its descriptions."""

from __future__ import annotations

import numpy as np
import torch
import transformers
from torch.nn import functional

from core.blas_thread_limit import limit_blas_to_one_thread
from core.encoders.audio_encoder_base import AudioEncoder
from core.encoders.encoder_device_and_precision import ComputeConfig
from core.encoders.encoder_spec import EncoderSpec
from core.encoders.overlapping_windows import split_into_windows
from core.encoders.pretrained_loading import load_feature_extractor, load_pretrained_model


class ClapEncoder(AudioEncoder):
    """Mean direction of the model's vectors over windows of the length it was trained on.

    The model's own feature extractor would cut a window from a random position.

    Parameters
    ----------
    spec : EncoderSpec
    compute : ComputeConfig
    """

    def __init__(self, spec: EncoderSpec, compute: ComputeConfig):
        super().__init__(spec, compute.device)
        folder = spec.weights.locate_or_download_weights(spec.id)
        self._compute = compute
        self._feature_extractor = load_feature_extractor(folder, spec.id)
        tower = load_pretrained_model(transformers.ClapAudioModelWithProjection, folder, spec.id)
        self._truncation_mode = "fusion" if tower.config.enable_fusion else "rand_trunc"
        self._model = compute.prepare_model_for_inference(tower)

    def _embed_waveform(self, waveform: np.ndarray) -> np.ndarray:
        # CLAP was trained on 16-bit audio at its own level, so the level is not normalized.
        waveform = np.clip(waveform, -1, 1)
        total = torch.zeros(self.spec.dim)
        max_frames = self._feature_extractor.nb_max_samples
        for start, stop in split_into_windows(len(waveform), max_frames):
            inputs = self._extract_mel_features(waveform[start:stop]).to(self._compute.device)
            with torch.inference_mode(), self._compute.make_autocast_context():
                vector = self._model(**inputs).audio_embeds[0]
            total += functional.normalize(vector.float(), dim=0).cpu()
        return functional.normalize(total, dim=0).numpy()

    def _extract_mel_features(self, window: np.ndarray) -> transformers.BatchFeature:
        """Return the mel spectrogram of one window as the model's input."""
        with limit_blas_to_one_thread():  # numpy multiplies by the mel filters
            return self._feature_extractor(
                window,
                sampling_rate=self._sample_rate,
                truncation=self._truncation_mode,
                return_tensors="pt",
            )
