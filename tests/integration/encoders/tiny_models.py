"""Models of the paper's architectures, small enough for a test."""

from __future__ import annotations

from transformers import ClapConfig


def make_tiny_clap_config(projection_dim: int) -> ClapConfig:
    """Return the config of a CLAP model; weights drawn from it tell sounds apart."""
    return ClapConfig(
        text_config={
            "vocab_size": 50,
            "hidden_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "intermediate_size": 16,
            "max_position_embeddings": 20,
        },
        audio_config={
            "patch_embeds_hidden_size": 16,
            "hidden_size": 128,
            "depths": [1, 1, 1, 1],
            "num_attention_heads": [1, 2, 4, 8],
            "initializer_range": 0.3,
        },
        projection_dim=projection_dim,
    )
