"""Embed the same items in several ways and print, as JSON, where the vectors differ.

Runs in a process of its own, because oneDNN and MKL choose their instruction set once per process.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from core.encoders.encoder_device_and_precision import ComputeConfig, is_openvino_enabled

# core.encoders sets an environment variable that torch reads when it is loaded.
# isort: split
import numpy as np
import torch
from threadpoolctl import threadpool_limits
from tokenizers import ByteLevelBPETokenizer
from transformers import (
    ClapFeatureExtractor,
    ClapModel,
    RobertaConfig,
    RobertaModel,
    Wav2Vec2Config,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2Model,
)

from core.encoders import Encoder, find_encoder_spec
from core.encoders.encoder_loading import load_encoder
from core.encoders.pretrained_loading import silence_transformers_output
from core.programs import generate, list_templates
from core.sonicpi.audio_clip_and_render_result import Clip
from tests.integration.encoders.tiny_models import make_tiny_clap_config

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
THREAD_COUNTS = (1, 2, 3)
SPECIAL_TOKENS = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


def make_programs() -> list[str]:
    """Return three of different length, one as long as the first, one of several windows."""
    templates = list_templates()[:3]
    sources = [next(iter(generate(template, 1, seed=0))).source[:300] for template in templates]
    sources[1] = sources[1][:150]
    return [*sources, sources[0].replace("play", "sample"), "\n".join(sources)]


def make_clips() -> list[Clip]:
    """Return stereo noise of changing level: one clip of 1 s, and one longer than any window."""
    rng = np.random.default_rng(0)
    clips = []
    for seconds in (1.0, 4.8):
        frames = int(seconds * 44_100)
        swell = np.sin(np.arange(frames) / 3000)[:, None]
        clips.append(Clip((rng.normal(0, 0.1, (frames, 2)) * swell).astype(np.float32)))
    return clips


def list_loaders(folder: Path) -> Iterator[tuple[str, Callable[[], Encoder]]]:
    """Yield the name of each encoder, with its precision, and a function that loads it."""
    tiny_models = [str(save(folder)) for save in (save_roberta, save_wav2vec2, save_clap)]
    models = [MINILM, *tiny_models, "aisfx", "musicnn"]
    # AVX2 has no bf16, which would take minutes there.
    precisions = [False] if os.environ["ONEDNN_MAX_CPU_ISA"] == "AVX2" else [False, True]
    for encoder_id in models:
        for bf16 in precisions:
            computes = [ComputeConfig("cpu", bf16)]
            if encoder_id.endswith("wav2vec2") and is_openvino_enabled():
                computes.append(ComputeConfig("cpu", bf16, use_openvino=True))
            for compute in computes:
                precision = "bf16" if bf16 else "fp32"
                name = f"{Path(encoder_id).name} {precision}{' OpenVINO' * compute.use_openvino}"
                yield name, partial(load_encoder, find_encoder_spec(encoder_id), compute)
    concatenated = [f"{tiny_models[0]}+sonicpi", f"{tiny_models[1]}+log-mel"]
    fp32 = ComputeConfig("cpu", use_bf16=False)
    for encoder_id in ("log-mel", "sonicpi", "score", *concatenated):
        yield encoder_id, partial(load_encoder, find_encoder_spec(encoder_id), fp32)


def save_roberta(folder: Path) -> Path:
    folder = folder / "roberta"
    folder.mkdir()
    tokenizer = ByteLevelBPETokenizer()
    tokenizer.train_from_iterator(make_programs(), vocab_size=500, special_tokens=SPECIAL_TOKENS)
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


def save_wav2vec2(folder: Path) -> Path:
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


def save_clap(folder: Path) -> Path:
    folder = folder / "clap"
    ClapModel(make_tiny_clap_config(projection_dim=64)).save_pretrained(folder)
    ClapFeatureExtractor(truncation="rand_trunc", padding="repeatpad").save_pretrained(folder)
    return folder


def find_differences(load: Callable[[], Encoder], items: Sequence) -> Iterator[str]:
    """Yield the ways of embedding in which the vector of some item differs from the first way."""
    expected = None
    for thread_count in THREAD_COUNTS:
        torch.set_num_threads(thread_count)
        with threadpool_limits(thread_count, user_api="blas"):
            encoder = load()  # OpenVINO reads the number of threads when it is loaded
            vectors_by_way = {
                "one batch": encoder.embed(items),
                "one at a time": np.concatenate([encoder.embed([item]) for item in items]),
            }
            if thread_count == 2:
                vectors_by_way["in reverse"] = encoder.embed(items[::-1])[::-1]
        expected = vectors_by_way["one batch"] if expected is None else expected
        for way, vectors in vectors_by_way.items():
            if not np.array_equal(vectors, expected):
                largest = np.abs(vectors - expected).max()
                yield f"{thread_count} threads, {way}: {largest:.1e}"


def main(folder: Path) -> None:
    torch.manual_seed(0)
    items = {"code": make_programs(), "audio": make_clips()}
    differences = {}
    with silence_transformers_output():
        for name, load in list_loaders(folder):
            differences[name] = list(find_differences(load, items[load().spec.modality]))
    print(json.dumps(differences))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
