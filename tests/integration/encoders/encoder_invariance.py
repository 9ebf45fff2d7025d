"""Embed the same items in several ways and print, as JSON, where their vectors differ in a bit.

A program by itself, because oneDNN and MKL choose their instruction set once per process.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from core.encoders.device import ComputeConfig  # before torch

# isort: split
import numpy as np
import torch
from threadpoolctl import threadpool_limits
from tokenizers import ByteLevelBPETokenizer
from transformers import (
    ClapConfig,
    ClapFeatureExtractor,
    ClapModel,
    RobertaConfig,
    RobertaModel,
    Wav2Vec2Config,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2Model,
)

from core.encoders import Encoder, find_encoder_spec, openvino
from core.encoders.loading import load_encoder
from core.encoders.transformer import silence_transformers
from core.programs import generate, list_templates
from core.sonicpi.clip import Clip

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
THREADS = (1, 2, 3)
SPECIALS = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


def programs() -> list[str]:
    """Three of different length, one as long as the first, one of several windows."""
    made = [next(iter(generate(each, 1, seed=0))).source[:300] for each in list_templates()[:3]]
    made[1] = made[1][:150]
    return [*made, made[0].replace("play", "sample"), "\n".join(made)]


def clips() -> list[Clip]:
    """Noise that swells, one clip of 1 s and one of two windows, in stereo."""
    rng = np.random.default_rng(0)
    made = []
    for seconds in (1.0, 2.6):
        frames = int(seconds * 44_100)
        swell = np.sin(np.arange(frames) / 3000)[:, None]
        made.append(Clip((rng.normal(0, 0.1, (frames, 2)) * swell).astype(np.float32)))
    return made


def encoders(folder: Path) -> Iterator[tuple[str, Callable[[], Encoder]]]:
    """Name of each encoder, with its precision, and what loads it."""
    tiny = [str(make(folder)) for make in (roberta, wav2vec2, clap)]
    models = [MINILM, *tiny, "aisfx"]
    # AVX2 has no bf16, which would take minutes there.
    precisions = [False] if os.environ["ONEDNN_MAX_CPU_ISA"] == "AVX2" else [False, True]
    for encoder_id in models:
        for bf16 in precisions:
            computes = [ComputeConfig("cpu", bf16)]
            if encoder_id.endswith("wav2vec2") and openvino.is_openvino_enabled():
                computes.append(ComputeConfig("cpu", bf16, use_openvino=True))
            for compute in computes:
                precision = "bf16" if bf16 else "fp32"
                name = f"{Path(encoder_id).name} {precision}{' OpenVINO' * compute.use_openvino}"
                yield name, lambda entry=find_encoder_spec(encoder_id), compute=compute: load_encoder(entry, compute)
    for encoder_id in ("log-mel", "sonicpi", "score", f"{tiny[0]}+sonicpi", f"{tiny[1]}+log-mel"):
        yield encoder_id, lambda entry=find_encoder_spec(encoder_id): load_encoder(entry, ComputeConfig("cpu", use_bf16=False))


def roberta(folder: Path) -> Path:
    folder = folder / "roberta"
    folder.mkdir()
    tokenizer = ByteLevelBPETokenizer()
    tokenizer.train_from_iterator(programs(), vocab_size=500, special_tokens=SPECIALS)
    tokenizer.save_model(str(folder))
    settings = {"tokenizer_class": "RobertaTokenizer", "model_max_length": 512}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    config = RobertaConfig(
        vocab_size=500,
        hidden_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=256,
        max_position_embeddings=130,
        initializer_range=0.3,
    )
    RobertaModel(config).save_pretrained(folder)
    return folder


def wav2vec2(folder: Path) -> Path:
    folder = folder / "wav2vec2"
    config = Wav2Vec2Config(
        hidden_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=256,
        conv_dim=(64,) * 7,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=2,
        initializer_range=0.3,
    )
    Wav2Vec2Model(config).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(folder)
    return folder


def clap(folder: Path) -> Path:
    folder = folder / "clap"
    text = {
        "vocab_size": 50,
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 16,
        "max_position_embeddings": 20,
    }
    audio = {
        "patch_embeds_hidden_size": 16,
        "hidden_size": 128,
        "depths": [1, 1, 1, 1],
        "num_attention_heads": [1, 2, 4, 8],
        "initializer_range": 0.3,
    }
    ClapModel(ClapConfig(text_config=text, audio_config=audio, projection_dim=64)).save_pretrained(
        folder
    )
    ClapFeatureExtractor(truncation="rand_trunc", padding="repeatpad").save_pretrained(folder)
    return folder


def differences(loaded: Callable[[], Encoder], items: Sequence) -> Iterator[str]:
    """The ways of embedding in which some item has another vector than in the first."""
    expected = None
    for threads in THREADS:
        torch.set_num_threads(threads)
        with threadpool_limits(threads, user_api="blas"):
            encoder = loaded()  # OpenVINO reads the number of threads when it is loaded
            ways = {
                "one batch": encoder.embed(items),
                "one at a time": np.concatenate([encoder.embed([item]) for item in items]),
            }
            if threads == 2:
                ways["in reverse"] = encoder.embed(items[::-1])[::-1]
        expected = ways["one batch"] if expected is None else expected
        for way, vectors in ways.items():
            if not np.array_equal(vectors, expected):
                largest = np.abs(vectors - expected).max()
                yield f"{threads} threads, {way}: {largest:.1e}"


def main(folder: Path) -> None:
    torch.manual_seed(0)
    items = {"code": programs(), "audio": clips()}
    found = {}
    with silence_transformers():
        for name, loaded in encoders(folder):
            found[name] = list(differences(loaded, items[loaded().spec.modality]))
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
