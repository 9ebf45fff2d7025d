"""How fast encoders hear and read, against the plain loop in fp32 with batches of one.

Random-weight versions of the paper's architectures and the encoders at hand embed the same clips
of 18 s and the same programs. Beside each: clips or programs a second; those of transformers' plain
loop (fp32, one at a time) and the ratio; the least cosine between both; and what share of the
machine's matmul speed is reached. The last column is what independence of the batch costs: the
speed relative to the same model with up to 16 items per batch and all threads in each product.
Sides take turns; times are medians. What random weights embed says nothing, what it costs is the
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
from typing import Any

import numpy as np

from core import encoders
from core.encoders import openvino
from core.encoders.audio import mix_to_mono, resample
from core.encoders.device import ComputeConfig, detect_compute_config  # before torch
from core.encoders.aisfx import BLOCK_FRAMES
from core.encoders.base import Encoder
from core.encoders.loading import ENCODER_CLASS_BY_FAMILY, load_encoder
from core.encoders.transformer import silence_transformers
from core.encoders.weights import FolderWeights
from core.encoders.windowing import split_into_windows
from core.programs import generate, list_templates
from core.sonicpi.clip import Clip

# isort: split
import torch
import transformers
from tokenizers import ByteLevelBPETokenizer
from torch.utils.flop_counter import FlopCounterMode

HEADERS = (
    "encoder",
    "a second",
    "plain loop",
    "ratio",
    "least cosine",
    "share of matmul",
    "of batched",
)
SECONDS = 18.0
SIZE, PRODUCTS = 2048, 5  # matrices whose products are the machine's speed
WORK = 2 * SIZE**3 * PRODUCTS  # operations
TURNS = 3
MAX_ROWS = 16  # of a batch, in batched inference
# As many words as make a program about as long as the real tokenizer does.
WORDS = 1000
SPECIALS = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
Plain = Callable[[Any], np.ndarray]


def run(variants: int = 1) -> list[tuple[str, ...]]:
    """Measure; return a row for each encoder, as `HEADERS` says.

    Parameters
    ----------
    variants : int
        So many times four clips, and so many programs of each template.
    """
    rng = np.random.default_rng(0)
    items = {
        "audio": [_clip(rng) for _ in range(4 * variants)],
        "code": [p.source for t in list_templates() for p in generate(t, variants, seed=0)],
    }
    compute = detect_compute_config()
    rows = [
        (
            f"matmul in {name}, {compute.device}, {torch.get_num_threads()} threads",
            f"{WORK / _median_seconds(_matmul(dtype, compute.device)) / 1e9:.0f} GFLOP/s",
        )
        for name, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16))
    ]
    for encoder_id, make in (
        ("distilroberta-base", _distilroberta),
        ("facebook/wav2vec2-base", _wav2vec2),
        ("laion/clap-htsat-unfused", _clap),
    ):
        with silence_transformers():
            rows += _against_plain(encoder_id, make, items, compute)
        gc.collect()
    for each in encoders.list_encoder_specs():
        if each.is_available_offline():
            rows.append(_with_own_weights(load_encoder(each, compute), items[each.modality]))
    return [(*row, *[""] * (len(HEADERS) - len(row))) for row in rows]


def _with_own_weights(encoder: Encoder, items: list) -> tuple[str, ...]:
    """Row of an encoder whose weights are on this machine."""
    turns = {"": partial(encoder.embed, items)}
    if batched := _batched(encoder, items):
        turns["batched"] = batched
    for turn in turns.values():
        turn()
    spent = _median_of_turns(turns)
    return (
        encoder.spec.id,
        f"{len(items) / spent['']:.2f}",
        *[""] * 4,
        f"{spent['batched'] / spent['']:.2f}" if batched else "",
    )


def _against_plain(
    encoder_id: str,
    make: Callable[[Path, Sequence[Any]], tuple[Plain, Callable[[Any], float]]],
    items: dict[str, list],
    compute: ComputeConfig,
) -> list[tuple[str, ...]]:
    """Rows of one architecture with random weights, with and without OpenVINO where it runs it."""
    known = encoders.find_encoder_spec(encoder_id)
    mine = items[known.modality]
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        plain, work = make(Path(folder), mine)
        known = dataclasses.replace(known, weights=FolderWeights.from_folder(Path(folder)))
        sides = {"": dataclasses.replace(compute, openvino=False)}
        if known.family == "speech" and compute.device == "cpu" and openvino.is_openvino_enabled():
            sides[", OpenVINO"] = dataclasses.replace(compute, openvino=True)
        loaded = {name: _family(known.family)(known, side) for name, side in sides.items()}
        expected = np.stack([plain(item) for item in mine])
        found = {name: encoder.embed(mine) for name, encoder in loaded.items()}
        turns = {
            "plain": lambda: [plain(item) for item in mine],
            "matmul": _matmul(torch.bfloat16 if compute.use_bf16 else torch.float32, compute.device),
            "batched": _batched(loaded[""], mine),
            **{name: partial(encoder.embed, mine) for name, encoder in loaded.items()},
        }
        turns["batched"]()
        spent = _median_of_turns(turns)
        needed = sum(map(work, mine))
    return [
        (
            f"{encoder_id}, random weights{name}",
            f"{len(mine) / spent[name]:.2f}",
            f"{len(mine) / spent['plain']:.2f}",
            f"{spent['plain'] / spent[name]:.2f}",
            f"{_cosines(expected, found[name]).min():.5f}",
            f"{needed / spent[name] * spent['matmul'] / WORK:.2f}",
            f"{spent['batched'] / spent[name]:.2f}",
        )
        for name in loaded
    ]


def _family(family: str) -> Any:
    """The class itself: random weights may tell sounds hardly apart, which `load` would refuse."""
    import importlib

    module, name = ENCODER_CLASS_BY_FAMILY[family]
    return getattr(importlib.import_module(f"core.encoders.{module}"), name)


# -- the plain loops -----------------------------------------------------------------------------


def _distilroberta(folder: Path, programs: Sequence[str]) -> tuple[Plain, Callable]:
    tokenizer = ByteLevelBPETokenizer()
    tokenizer.train_from_iterator(programs, vocab_size=WORDS, special_tokens=SPECIALS)
    tokenizer.save_model(str(folder))
    settings = {"tokenizer_class": "RobertaTokenizer", "model_max_length": 512}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    config = transformers.RobertaConfig(
        vocab_size=50_265, num_hidden_layers=6, max_position_embeddings=514, type_vocab_size=1
    )
    transformers.RobertaModel(config).save_pretrained(folder)
    read = transformers.AutoTokenizer.from_pretrained(folder)

    def inputs(program: str) -> dict:
        return dict(read(program, return_tensors="pt", truncation=True))

    plain, work = _loaded(transformers.AutoModel, folder)
    return (
        lambda program: plain(inputs(program)).last_hidden_state.mean(dim=1)[0].numpy(),
        lambda program: work(inputs(program)),
    )


def _wav2vec2(folder: Path, clips: Sequence[Clip]) -> tuple[Plain, Callable]:
    transformers.Wav2Vec2Model(transformers.Wav2Vec2Config()).save_pretrained(folder)
    extract = transformers.Wav2Vec2FeatureExtractor(do_normalize=True)
    extract.save_pretrained(folder)

    def inputs(clip: Clip) -> dict:
        wave = resample(mix_to_mono(clip), clip.sample_rate, 16_000)
        return dict(extract(wave, sampling_rate=16_000, return_tensors="pt"))

    plain, work = _loaded(transformers.AutoModel, folder)
    return (
        lambda clip: plain(inputs(clip)).last_hidden_state.mean(dim=1)[0].numpy(),
        lambda clip: work(inputs(clip)),
    )


def _clap(folder: Path, clips: Sequence[Clip]) -> tuple[Plain, Callable]:
    transformers.ClapModel(transformers.ClapConfig()).save_pretrained(folder)
    extract = transformers.ClapFeatureExtractor(truncation="rand_trunc", padding="repeatpad")
    extract.save_pretrained(folder)

    def pieces(clip: Clip) -> list[dict]:
        wave = resample(mix_to_mono(clip), clip.sample_rate, 48_000)
        return [
            dict(extract(wave[start:stop], sampling_rate=48_000, return_tensors="pt"))
            for start, stop in split_into_windows(len(wave), extract.nb_max_samples)
        ]

    plain, work = _loaded(transformers.ClapAudioModelWithProjection, folder)
    unit = torch.nn.functional.normalize
    return (
        lambda clip: sum(unit(plain(each).audio_embeds[0], dim=0) for each in pieces(clip)).numpy(),
        lambda clip: sum(map(work, pieces(clip))),
    )


def _loaded(loader: Any, folder: Path) -> tuple[Callable[[dict], Any], Callable[[dict], float]]:
    """The model as transformers loads it, and the operations of one pass."""
    model = loader.from_pretrained(folder).eval()
    # The counter knows attention only as the products that it is made of.
    counted = loader.from_pretrained(folder, attn_implementation="eager").eval()

    def plain(inputs: dict) -> Any:
        with torch.inference_mode():
            return model(**inputs)

    def work(inputs: dict) -> float:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            counted(**inputs)
        return counter.get_total_flops()

    return plain, work


# -- batched inference ---------------------------------------------------------------------------


def _batched(encoder: Encoder, items: list) -> Callable[[], None] | None:
    """The encoder's model over batches, with all threads; None where there is no model."""
    batches = {
        "text": _batches_of_programs,
        "speech": _batches_of_waveforms,
        "clap": _batches_of_pieces,
        "sound-effects": _batches_of_blocks,
    }.get(encoder.spec.family)
    if batches is None:
        return None
    compute = encoder._compute

    def run() -> None:
        with torch.inference_mode():
            for model, inputs in batches(encoder, items):
                inputs = {name: value.to(compute.device) for name, value in inputs.items()}
                with compute.autocast():
                    outputs = model(**inputs)
                first = outputs if isinstance(outputs, torch.Tensor) else outputs[0]
                first.float().mean().item()  # waits for a GPU

    return run


Batches = Iterator[tuple[torch.nn.Module, dict[str, torch.Tensor]]]


def _batches_of_programs(encoder: Encoder, programs: list[str]) -> Batches:
    for padded, alike in groupby(encoder._rows(programs), lambda row: row.padded):
        remaining = iter(alike)
        while rows := list(islice(remaining, MAX_ROWS)):
            ids, mask = torch.zeros(2, len(rows), padded, dtype=torch.long)
            for at, row in enumerate(rows):
                ids[at, : len(row.tokens)] = torch.tensor(row.tokens)
                mask[at, : len(row.tokens)] = 1
            yield encoder._model, {"input_ids": ids, "attention_mask": mask}


def _waveforms(encoder: Encoder, clips: list[Clip]) -> list[np.ndarray]:
    rate = encoder.spec.sample_rate
    return [resample(mix_to_mono(clip), clip.sample_rate, rate) for clip in clips]


def _batches_of_waveforms(encoder: Encoder, clips: list[Clip]) -> Batches:
    inputs = encoder._extract(
        _waveforms(encoder, clips), sampling_rate=encoder.spec.sample_rate, return_tensors="pt"
    )
    for values in inputs["input_values"].split(MAX_ROWS):
        yield encoder._mean, {"waveform": values}


def _batches_of_pieces(encoder: Encoder, clips: list[Clip]) -> Batches:
    pieces = [
        encoder._features(waveform[start:stop])
        for waveform in _waveforms(encoder, clips)
        for start, stop in split_into_windows(len(waveform), encoder._extract.nb_max_samples)
    ]
    for first in range(0, len(pieces), MAX_ROWS):
        batch = pieces[first : first + MAX_ROWS]
        yield encoder._model, {key: torch.cat([each[key] for each in batch]) for key in batch[0]}


def _batches_of_blocks(encoder: Encoder, clips: list[Clip]) -> Batches:
    spectrograms = [encoder.spectrogram(waveform) for waveform in _waveforms(encoder, clips)]
    blocks = [
        spectrogram[start:stop]
        for spectrogram in spectrograms
        for start, stop in split_into_windows(len(spectrogram), BLOCK_FRAMES)
    ]
    dtype = torch.bfloat16 if encoder._compute.bf16 else torch.float32
    for images in torch.stack(blocks)[:, None].to(dtype).split(MAX_ROWS):
        yield encoder._network, {"images": images}


# -- helpers -------------------------------------------------------------------------------------


def _clip(rng: np.random.Generator) -> Clip:
    frames = round(SECONDS * 44_100)
    samples = rng.normal(0, 0.1, (frames, 2)).astype(np.float32)
    return Clip(samples * np.sin(np.arange(frames) / 3000)[:, None].astype(np.float32))


def _cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.sum(a * b, axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def _timed(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _median_of_turns(turns: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Median seconds of each; they take turns."""
    times = [{name: _timed(turn) for name, turn in turns.items()} for _ in range(TURNS)]
    return {name: median(each[name] for each in times) for name in turns}


def _median_seconds(work: Callable[[], Any]) -> float:
    work()
    return median(_timed(work) for _ in range(TURNS))


def _matmul(dtype: torch.dtype, device: str) -> Callable[[], Any]:
    """`WORK` operations as fast as the machine does any: large square products."""
    a, b = (torch.randn(SIZE, SIZE).to(device, dtype) for _ in range(2))
    # One value is fetched, for a GPU works on by itself.
    return lambda: [a @ b for _ in range(PRODUCTS)][-1][0, 0].item()
