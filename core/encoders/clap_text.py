"""The text towers of CLAP: programs in the space of clips, without any training here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from torch.nn import functional

from core.encoders.pretrained_loading import load_pretrained_model
from core.encoders.transformer_text_encoder import TextEncoder, TokenWindow


class ClapTextEncoder(TextEncoder):
    """Mean direction of the tower's vectors over the windows of a program."""

    def _load_transformer_model(self, folder: Path) -> Any:
        return load_pretrained_model(transformers.ClapTextModelWithProjection, folder, self.spec.id)

    def _sum_token_vectors(self, batch: list[TokenWindow]) -> np.ndarray:
        """Return each row's vector times the weight of its tokens, float64 [len(batch), dim]."""
        ids, mask, weights = self._make_input_tensors(batch)
        with torch.inference_mode(), self._compute.make_autocast_context():
            vectors = self._model(input_ids=ids, attention_mask=mask).text_embeds
        directions = functional.normalize(vectors.float(), dim=1) * weights.sum(dim=1)[:, None]
        return directions[: len(batch)].double().cpu().numpy()
