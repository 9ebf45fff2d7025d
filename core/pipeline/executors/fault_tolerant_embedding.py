"""Embedding of items of which a bad one costs only itself; the same in every executor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.encoders import Encoder
from core.errors import EarshotError
from core.pipeline.executors.executor_interface import EmbeddedItem
from core.sonicpi import Clip


def embed_each_item(encoder: Encoder, items: Sequence[str] | Sequence[Clip]) -> list[EmbeddedItem]:
    """Embed items together, or each alone if that fails.

    Parameters
    ----------
    encoder : Encoder
    items : sequence of str, or of Clip

    Returns
    -------
    list of EmbeddedItem
        One vector or error message per item.
    """
    try:
        vectors = np.asarray(encoder.embed(items))
    except EarshotError as error:
        if len(items) == 1:
            return [str(error)]
        return [
            result
            for index in range(len(items))
            for result in embed_each_item(encoder, items[index : index + 1])
        ]
    return list(vectors)
