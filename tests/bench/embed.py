"""Benchmark: speed of the encoders, and agreement with transformers' plain loop.

Random-weight versions of the paper's architectures and the available encoders embed the same clips
of 18 s and the same programs. Each row states the items per second; those of transformers' plain
loop (fp32, one item at a time) and the speed-up; the lowest cosine similarity of the two; and the
share of the machine's matmul speed. The last column is the cost of batch independence: the speed
relative to the same model with up to 16 items per batch and all threads in each product. The
variants take turns; times are medians. The vectors of random weights mean nothing, but cost the
same.
"""

from __future__ import annotations

import dataclasses
import gc
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import groupby, islice
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from core import encoders
from core.encoders.aisfx import BLOCK_FRAMES
from core.encoders.audio_encoder_base import mix_to_mono, resample_waveform
from core.encoders.encoder_device_and_precision import (
    ComputeConfig,
    detect_compute_config,
    is_openvino_enabled,
)
from core.encoders.encoder_interface import Encoder
from core.encoders.encoder_loading import load_encoder, load_encoder_without_sanity_check
from core.encoders.model_weight_sources import FolderWeights
from core.encoders.musicnn import split_spectrogram_into_windows
from core.encoders.overlapping_windows import split_into_windows
from core.encoders.pretrained_loading import silence_transformers_output
from core.programs import generate, list_templates
from core.sonicpi.audio_clip_and_render_result import Clip

# core.encoders sets an environment variable that torch reads when it is loaded.
# isort: split
import torch
import transformers
from tokenizers import ByteLevelBPETokenizer
from torch.utils.flop_counter import FlopCounterMode

HEADERS = (
    "encoder",
    "per second",
    "plain loop",
    "speed-up",
    "lowest cosine",
    "share of matmul",
    "of batched",
)
CLIP_SECONDS = 18.0
CLIPS_PER_VARIANT = 4
# Products of square matrices that measure the machine's speed.
MATRIX_SIZE, PRODUCT_COUNT = 2048, 5
MATMUL_OPERATIONS = 2 * MATRIX_SIZE**3 * PRODUCT_COUNT
REPETITIONS = 3
MAX_BATCH_ROWS = 16
# With this vocabulary programs have about as many tokens as with the real tokenizer.
VOCABULARY_SIZE = 1000
SPECIAL_TOKENS = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


class PlainLoop(NamedTuple):
    """Reference implementation of an encoder: transformers in fp32, one item at a time."""

    embed: Callable[[Any], np.ndarray]
    count_operations: Callable[[Any], float]


def run(variants: int = 1) -> list[tuple[str, ...]]:
    """Measure all encoders.

    Parameters
    ----------
    variants : int
        Number of programs per template; the number of clips is four times as large.

    Returns
    -------
    list of tuple of str
        Rows with the columns of `HEADERS`.
    """
    rng = np.random.default_rng(0)
    templates = list_templates()
    items: dict[str, list[Any]] = {
        "audio": [make_clip(rng) for _ in range(CLIPS_PER_VARIANT * variants)],
        "code": [p.source for template in templates for p in generate(template, variants, seed=0)],
    }
    compute = detect_compute_config()
    rows: list[tuple[str, ...]] = []
    for name, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        gflops = MATMUL_OPERATIONS / measure_median(make_matmul(dtype, compute.device)) / 1e9
        threads = torch.get_num_threads()
        rows.append(
            (f"matmul in {name}, {compute.device}, {threads} threads", f"{gflops:.0f} GFLOP/s")
        )
    for encoder_id, save_model in (
        ("distilroberta-base", save_distilroberta),
        ("facebook/wav2vec2-base", save_wav2vec2),
        ("laion/clap-htsat-unfused", save_clap),
    ):
        with silence_transformers_output():
            rows += measure_random_weights(encoder_id, save_model, items, compute)
        gc.collect()
    for spec in encoders.list_encoder_specs():
        if spec.is_available_offline():
            encoder = load_encoder(spec, compute)
            rows.append(measure_real_weights(encoder, items[spec.modality]))
    return [(*row, *[""] * (len(HEADERS) - len(row))) for row in rows]


def measure_real_weights(encoder: Encoder, items: list) -> tuple[str, ...]:
    """Return the row of an encoder whose weights are on this machine."""
    runs: dict[str, Callable[[], Any]] = {"independent": partial(encoder.embed, items)}
    if batched := make_batched_run(encoder, items):
        runs["batched"] = batched
    for warm_up in runs.values():
        warm_up()
    seconds = measure_medians(runs)
    return (
        encoder.spec.id,
        f"{len(items) / seconds['independent']:.2f}",
        *[""] * 4,
        f"{seconds['batched'] / seconds['independent']:.2f}" if batched else "",
    )


def measure_random_weights(
    encoder_id: str,
    save_model: Callable[[Path, Sequence[Any]], PlainLoop],
    items_by_modality: dict[str, list],
    compute: ComputeConfig,
) -> list[tuple[str, ...]]:
    """Return the rows of an architecture with random weights.

    Models that OpenVINO can run have a row without it and a row with it.
    """
    spec = encoders.find_encoder_spec(encoder_id)
    items = items_by_modality[spec.modality]
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        plain_loop = save_model(Path(folder), items)
        spec = dataclasses.replace(spec, weights=FolderWeights.from_folder(Path(folder)))
        configs = {"": dataclasses.replace(compute, use_openvino=False)}
        if spec.family == "wav2vec2" and compute.device == "cpu" and is_openvino_enabled():
            configs[", OpenVINO"] = dataclasses.replace(compute, use_openvino=True)
        # Random weights may fail the sanity check of `load_encoder`.
        loaded = {
            name: load_encoder_without_sanity_check(spec, config)
            for name, config in configs.items()
        }
        expected = np.stack([plain_loop.embed(item) for item in items])
        vectors = {name: encoder.embed(items) for name, encoder in loaded.items()}
        batched = make_batched_run(loaded[""], items)
        assert batched is not None, f"no batched inference for {spec.family}"
        batched()
        matmul_dtype = torch.bfloat16 if compute.use_bf16 else torch.float32
        seconds = measure_medians(
            {
                "plain": lambda: [plain_loop.embed(item) for item in items],
                "matmul": make_matmul(matmul_dtype, compute.device),
                "batched": batched,
                **{name: partial(encoder.embed, items) for name, encoder in loaded.items()},
            }
        )
        operations = sum(map(plain_loop.count_operations, items))
    matmul_speed = MATMUL_OPERATIONS / seconds["matmul"]
    return [
        (
            f"{encoder_id}, random weights{name}",
            f"{len(items) / seconds[name]:.2f}",
            f"{len(items) / seconds['plain']:.2f}",
            f"{seconds['plain'] / seconds[name]:.2f}",
            f"{compute_cosines(expected, vectors[name]).min():.5f}",
            f"{operations / seconds[name] / matmul_speed:.2f}",
            f"{seconds['batched'] / seconds[name]:.2f}",
        )
        for name in loaded
    ]


# -- models with random weights, and their plain loops ---------------------------------------------


def save_distilroberta(folder: Path, programs: Sequence[str]) -> PlainLoop:
    """Save DistilRoBERTa with random weights and a tokenizer trained on the programs."""
    trained_tokenizer = ByteLevelBPETokenizer()
    trained_tokenizer.train_from_iterator(
        programs, vocab_size=VOCABULARY_SIZE, special_tokens=SPECIAL_TOKENS
    )
    trained_tokenizer.save_model(str(folder))
    settings = {"tokenizer_class": "RobertaTokenizer", "model_max_length": 512}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    config = transformers.RobertaConfig(
        vocab_size=50_265, num_hidden_layers=6, max_position_embeddings=514, type_vocab_size=1
    )
    transformers.RobertaModel(config).save_pretrained(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)

    def prepare_inputs(program: str) -> dict:
        return dict(tokenizer(program, return_tensors="pt", truncation=True))

    forward, count_operations = load_plain_model(transformers.AutoModel, folder)
    return PlainLoop(
        lambda program: forward(prepare_inputs(program)).last_hidden_state.mean(dim=1)[0].numpy(),
        lambda program: count_operations(prepare_inputs(program)),
    )


def save_wav2vec2(folder: Path, _clips: Sequence[Clip]) -> PlainLoop:
    """Save wav2vec 2.0 with random weights."""
    transformers.Wav2Vec2Model(transformers.Wav2Vec2Config()).save_pretrained(folder)
    feature_extractor = transformers.Wav2Vec2FeatureExtractor(do_normalize=True)
    feature_extractor.save_pretrained(folder)

    def prepare_inputs(clip: Clip) -> dict:
        waveform = resample_waveform(mix_to_mono(clip), clip.sample_rate, 16_000)
        return dict(feature_extractor(waveform, sampling_rate=16_000, return_tensors="pt"))

    forward, count_operations = load_plain_model(transformers.AutoModel, folder)
    return PlainLoop(
        lambda clip: forward(prepare_inputs(clip)).last_hidden_state.mean(dim=1)[0].numpy(),
        lambda clip: count_operations(prepare_inputs(clip)),
    )


def save_clap(folder: Path, _clips: Sequence[Clip]) -> PlainLoop:
    """Save CLAP with random weights."""
    transformers.ClapModel(transformers.ClapConfig()).save_pretrained(folder)
    feature_extractor = transformers.ClapFeatureExtractor(
        truncation="rand_trunc", padding="repeatpad"
    )
    feature_extractor.save_pretrained(folder)

    def prepare_windows(clip: Clip) -> list[dict]:
        waveform = resample_waveform(mix_to_mono(clip), clip.sample_rate, 48_000)
        windows = split_into_windows(len(waveform), feature_extractor.nb_max_samples)
        return [
            dict(feature_extractor(waveform[start:stop], sampling_rate=48_000, return_tensors="pt"))
            for start, stop in windows
        ]

    forward, count_operations = load_plain_model(transformers.ClapAudioModelWithProjection, folder)

    def embed(clip: Clip) -> np.ndarray:
        vectors = [forward(inputs).audio_embeds[0] for inputs in prepare_windows(clip)]
        return sum(torch.nn.functional.normalize(vector, dim=0) for vector in vectors).numpy()

    return PlainLoop(embed, lambda clip: sum(map(count_operations, prepare_windows(clip))))


def load_plain_model(
    model_class: Any, folder: Path
) -> tuple[Callable[[dict], Any], Callable[[dict], float]]:
    """Return the model's forward pass, and a function that counts its operations."""
    model = model_class.from_pretrained(folder).eval()
    # The counter does not know fused attention, only the products that attention consists of.
    eager_model = model_class.from_pretrained(folder, attn_implementation="eager").eval()

    def forward(inputs: dict) -> Any:
        with torch.inference_mode():
            return model(**inputs)

    def count_operations(inputs: dict) -> float:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            eager_model(**inputs)
        return counter.get_total_flops()

    return forward, count_operations


# -- batched inference -----------------------------------------------------------------------------

# Models with their inputs.
Batches = Iterator[tuple[torch.nn.Module, dict[str, torch.Tensor]]]


def make_batched_run(encoder: Encoder, items: list) -> Callable[[], None] | None:
    """Return a run of the encoder's model over batches with all threads; None without a model."""
    list_batches = {
        "text": batch_programs,
        "wav2vec2": batch_waveforms,
        "clap": batch_windows,
        "aisfx": batch_blocks,
        "musicnn": batch_spectrogram_windows,
    }.get(encoder.spec.family)
    if list_batches is None:
        return None
    compute = encoder._compute

    def run_batches() -> None:
        with torch.inference_mode():
            for model, inputs in list_batches(encoder, items):
                inputs = {name: value.to(compute.device) for name, value in inputs.items()}
                with compute.make_autocast_context():
                    outputs = model(**inputs)
                first_output = outputs if isinstance(outputs, torch.Tensor) else outputs[0]
                first_output.float().mean().item()  # waits for a GPU

    return run_batches


def batch_programs(encoder: Encoder, programs: list[str]) -> Batches:
    """Yield batches of token windows of equal padded length."""
    windows = encoder._tokenize_sources(programs)
    for padded_length, same_length in groupby(windows, lambda window: window.padded_length):
        remaining = iter(same_length)
        while rows := list(islice(remaining, MAX_BATCH_ROWS)):
            ids, mask = torch.zeros(2, len(rows), padded_length, dtype=torch.long)
            for row, window in enumerate(rows):
                ids[row, : len(window.token_ids)] = torch.tensor(window.token_ids)
                mask[row, : len(window.token_ids)] = 1
            yield encoder._model, {"input_ids": ids, "attention_mask": mask}


def make_waveforms(encoder: Encoder, clips: list[Clip]) -> list[np.ndarray]:
    """Return the clips in mono at the encoder's sample rate."""
    rate = encoder.spec.sample_rate
    return [resample_waveform(mix_to_mono(clip), clip.sample_rate, rate) for clip in clips]


def batch_waveforms(encoder: Encoder, clips: list[Clip]) -> Batches:
    """Yield batches of whole waveforms."""
    inputs = encoder._feature_extractor(
        make_waveforms(encoder, clips),
        sampling_rate=encoder.spec.sample_rate,
        return_tensors="pt",
    )
    for values in inputs["input_values"].split(MAX_BATCH_ROWS):
        yield encoder._pooled_model, {"waveform": values}


def batch_windows(encoder: Encoder, clips: list[Clip]) -> Batches:
    """Yield batches of CLAP's spectrograms."""
    max_frames = encoder._feature_extractor.nb_max_samples
    all_features = [
        encoder._extract_mel_features(waveform[start:stop])
        for waveform in make_waveforms(encoder, clips)
        for start, stop in split_into_windows(len(waveform), max_frames)
    ]
    for first in range(0, len(all_features), MAX_BATCH_ROWS):
        batch = all_features[first : first + MAX_BATCH_ROWS]
        yield (
            encoder._model,
            {key: torch.cat([inputs[key] for inputs in batch]) for key in batch[0]},
        )


def batch_blocks(encoder: Encoder, clips: list[Clip]) -> Batches:
    """Yield batches of blocks of aisfx's spectrograms."""
    spectrograms = [
        encoder.compute_log_mel_spectrogram(waveform) for waveform in make_waveforms(encoder, clips)
    ]
    blocks = [
        spectrogram[start:stop]
        for spectrogram in spectrograms
        for start, stop in split_into_windows(len(spectrogram), BLOCK_FRAMES)
    ]
    dtype = torch.bfloat16 if encoder._compute.use_bf16 else torch.float32
    for images in torch.stack(blocks)[:, None].to(dtype).split(MAX_BATCH_ROWS):
        yield encoder._network, {"images": images}


def batch_spectrogram_windows(encoder: Encoder, clips: list[Clip]) -> Batches:
    """Yield batches of windows of musicnn's spectrograms."""
    windows = [
        split_spectrogram_into_windows(encoder.compute_log_mel_spectrogram(waveform))
        for waveform in make_waveforms(encoder, clips)
    ]
    for batch in torch.cat(windows).split(MAX_BATCH_ROWS):
        yield encoder._network, {"windows": batch}


# -- helpers ---------------------------------------------------------------------------------------


def make_clip(rng: np.random.Generator) -> Clip:
    """Return stereo noise of changing level."""
    frames = round(CLIP_SECONDS * 44_100)
    samples = rng.normal(0, 0.1, (frames, 2)).astype(np.float32)
    return Clip(samples * np.sin(np.arange(frames) / 3000)[:, None].astype(np.float32))


def compute_cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the cosine similarity of the rows of two arrays."""
    return np.sum(a * b, axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def measure_seconds(function: Callable[[], Any]) -> float:
    """Return the duration of one call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def measure_medians(functions: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Return the median duration of each function in seconds; they take turns."""
    rounds = [
        {name: measure_seconds(function) for name, function in functions.items()}
        for _ in range(REPETITIONS)
    ]
    return {name: median(seconds[name] for seconds in rounds) for name in functions}


def measure_median(function: Callable[[], Any]) -> float:
    """Return the median duration of a function in seconds, after one call to warm up."""
    function()
    return median(measure_seconds(function) for _ in range(REPETITIONS))


def make_matmul(dtype: torch.dtype, device: str) -> Callable[[], Any]:
    """Return a function that performs `MATMUL_OPERATIONS` in large square products."""
    a, b = (torch.randn(MATRIX_SIZE, MATRIX_SIZE).to(device, dtype) for _ in range(2))
    # A GPU works asynchronously; fetching one value waits for it.
    return lambda: [a @ b for _ in range(PRODUCT_COUNT)][-1][0, 0].item()
