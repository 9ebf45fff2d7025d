"""EmbeddingGemma 2 for clips: a text model that reads a clip as a sequence of audio tokens."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from core.blas_thread_limit import limit_blas_to_one_thread
from core.encoders.audio_encoder_base import AudioEncoder
from core.encoders.embedding_gemma_text import load_embedding_gemma
from core.encoders.encoder_device_and_precision import ComputeConfig
from core.encoders.encoder_spec import EncoderSpec
from core.encoders.overlapping_windows import split_into_windows
from core.encoders.pretrained_loading import load_feature_extractor, load_tokenizer
from core.encoders.transformer_text_encoder import find_special_tokens_around_text

# The model takes at most 750 audio tokens of 40 ms.
MAX_WINDOW_SECONDS = 30.0


class EmbeddingGemmaAudioEncoder(AudioEncoder):
    """Mean of the model's vectors over the audio tokens of a clip and the tokens around them.

    The clip keeps its own level, as in the model's own feature extractor.

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
        model = load_embedding_gemma(folder, spec.id, with_audio=True)
        before, after = find_special_tokens_around_text(load_tokenizer(folder, spec.id), spec.id)
        self._before_ids = [*before, model.config.boa_token_id]
        self._after_ids = [model.config.eoa_token_index, *after]
        self._model: Any = compute.prepare_model_for_inference(model)

    def _embed_waveform(self, waveform: np.ndarray) -> np.ndarray:
        max_frames = int(MAX_WINDOW_SECONDS * self._sample_rate)
        vectors = [
            self._embed_window(waveform[start:stop])
            for start, stop in split_into_windows(len(waveform), max_frames)
        ]
        return torch.stack(vectors).mean(dim=0).cpu().numpy()

    def _embed_window(self, window: np.ndarray) -> torch.Tensor:
        """Return the vector of one window, float32 [dim]."""
        device = self._compute.device
        with limit_blas_to_one_thread():  # numpy multiplies by the mel filters
            inputs = self._feature_extractor(
                [window], sampling_rate=self._sample_rate, return_tensors="pt"
            ).to(device)
        with torch.inference_mode(), self._compute.make_autocast_context():
            audio = self._model.get_audio_features(
                inputs["input_features"], inputs["input_features_mask"], return_dict=True
            )
            audio_tokens = audio.pooler_output[audio.attention_mask]  # [tokens, hidden]
            embed_ids = self._model.get_input_embeddings()
            before, after = (
                embed_ids(torch.tensor(ids, device=device))
                for ids in (self._before_ids, self._after_ids)
            )
            sequence = torch.cat([before, audio_tokens.to(before.dtype), after])[None]
            hidden = self._model.language_model(inputs_embeds=sequence).last_hidden_state
        return hidden[0].float().mean(dim=0)
