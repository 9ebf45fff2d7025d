"""Length of clips: the default one, and the longest."""

from __future__ import annotations

DEFAULT_CLIP_SECONDS = 18.0  # As in the paper; the sound windows of templates refer to it.
MAX_CLIP_SECONDS = 600
