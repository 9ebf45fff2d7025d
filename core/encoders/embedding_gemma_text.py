"""EmbeddingGemma 2 for programs: the text part of a model whose text and audio share a space."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import transformers
from torch import nn

from core.encoders.pretrained_loading import load_pretrained_model
from core.encoders.transformer_text_encoder import TextEncoder


def load_embedding_gemma(folder: Path, encoder_id: str, *, with_audio: bool) -> Any:
    """Load EmbeddingGemma 2 without the towers that are not needed.

    Parameters
    ----------
    folder : Path
    encoder_id : str
        For error messages.
    with_audio : bool
        Whether to load the audio tower.
    """
    config = transformers.EmbeddingGemma2Config.from_pretrained(folder, local_files_only=True)
    config.vision_config = None
    if not with_audio:
        config.audio_config = None
    return load_pretrained_model(
        transformers.EmbeddingGemma2Model, folder, encoder_id, config=config
    )


class EmbeddingGemmaTextEncoder(TextEncoder):
    """Mean of the model's vectors over all tokens, those of the prompt included."""

    def _load_transformer_model(self, folder: Path) -> nn.Module:
        model: nn.Module = load_embedding_gemma(
            folder, self.spec.id, with_audio=False
        ).language_model
        return model
