"""How fast encoders hear and read, against the plain loop in fp32 with batches of one.

Encoders at hand and random-weight versions of the paper's architectures embed the same 18 s
clips and the same programs. Beside each: clips or snippets a second, the ratio to transformers'
plain loop (fp32, one at a time), the least cosine between both, and the share of this machine's
matmul speed that the paper's wav2vec 2.0 reaches. Sides take turns, item by item; times are
medians. What random weights embed says nothing, what it costs is the same.
"""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from core import encoders
from core.encoders import entry
from core.encoders.compute import Compute, default_compute  # before torch
from core.encoders.loading import load
from core.encoders.weights import FolderWeights
from core.programs import generate, templates
from core.sonicpi.clip import Clip

import torch  # noqa: E402, I001
import transformers  # noqa: E402

SECONDS, RATE = 18.0, 16_000
PAPERS_EAR = "facebook/wav2vec2-base"
SIZE = 2048  # of the matrices whose product is the machine's speed


def run(variants: int = 1) -> list[tuple[str, str]]:
    """Measure; return (what, value) rows.

    Parameters
    ----------
    variants : int
        So many times four clips, and so many programs of each template.
    """
    rng = np.random.default_rng(0)
    clips = [_clip(rng) for _ in range(4 * variants)]
    sources = [p.source for t in templates() for p in generate(t, variants, seed=0)]
    compute = default_compute()
    rows = [("device", f"{compute.device}, {'bf16' if compute.bf16 else 'fp32'},"
             f" {torch.get_num_threads()} threads")]  # fmt: skip
    for each in encoders.entries():
        if each.at_hand():
            items = clips if each.modality == "audio" else sources
            encoder = load(each, compute)
            spent = _seconds(lambda encoder=encoder, items=items: encoder.embed(items), 3)
            rows.append((each.id, f"{len(items) / spent:.2f} {each.modality} a second"))
    with tempfile.TemporaryDirectory() as folder:
        rows += _wav2vec2(Path(folder), clips, compute)
    return rows


def _wav2vec2(folder: Path, clips: list[Clip], compute: Compute) -> list[tuple[str, str]]:
    """The paper's audio encoder at full size with random weights."""
    torch.manual_seed(0)
    plain = transformers.Wav2Vec2Model(transformers.Wav2Vec2Config()).eval()
    plain.save_pretrained(folder)
    extract = transformers.Wav2Vec2FeatureExtractor(do_normalize=True)
    extract.save_pretrained(folder)
    known = dataclasses.replace(entry(PAPERS_EAR), weights=FolderWeights.of(folder))
    # Random weights may tell sounds hardly apart, which `load` would refuse.
    from core.encoders.speech import SpeechEncoder

    ours = SpeechEncoder(known, compute)

    def loop(clip: Clip) -> np.ndarray:
        from core.encoders.audio import mono, resample

        wave = resample(mono(clip), clip.sample_rate, RATE)
        with torch.inference_mode():
            inputs = extract(wave, sampling_rate=RATE, return_tensors="pt")["input_values"]
            return plain(inputs).last_hidden_state.mean(dim=1)[0].numpy()

    def hear(clip: Clip) -> np.ndarray:
        return next(iter(ours._embedded([clip])))[1][0]

    slow, fast, alike = [], [], []
    loop(clips[0]), hear(clips[0])
    for clip in clips:
        took, expected = _timed(loop, clip)
        slow.append(took)
        took, found = _timed(hear, clip)
        fast.append(took)
        norm = np.linalg.norm(expected) * np.linalg.norm(found)
        alike.append(float(expected @ found / norm))
    work = _multiplications(plain, RATE * SECONDS)
    speed = _matmul(torch.bfloat16 if compute.bf16 else torch.float32)
    return [
        (f"{PAPERS_EAR}, random weights", f"{1 / median(fast):.2f} clips a second"),
        ("its plain loop, fp32", f"{1 / median(slow):.2f} clips a second"),
        ("ratio", f"{median(slow) / median(fast):.2f} (goal 2.4)"),
        ("least cosine to it", f"{min(alike):.5f} (goal 0.999)"),
        ("matmul of the machine", f"{speed / 1e9:.0f} GFLOP/s; the plain loop's fp32"
         f" {_matmul(torch.float32) / 1e9:.0f}"),
        ("share of it that the encoder reaches", f"{work / median(fast) / speed:.2f}"),
    ]  # fmt: skip


def _clip(rng: np.random.Generator) -> Clip:
    frames = round(SECONDS * 44_100)
    samples = rng.normal(0, 0.1, (frames, 2)).astype(np.float32)
    return Clip(samples * np.sin(np.arange(frames) / 3000)[:, None].astype(np.float32))


def _timed(work: Callable[[Any], Any], item: Any) -> tuple[float, Any]:
    started = time.perf_counter()
    result = work(item)
    return time.perf_counter() - started, result


def _seconds(work: Callable[[], Any], times: int) -> float:
    work()
    return median(_timed(lambda _: work(), None)[0] for _ in range(times))


def _matmul(dtype: torch.dtype) -> float:
    """Operations a second of a large square product."""
    a, b = (torch.randn(SIZE, SIZE).to(dtype) for _ in range(2))
    return 2 * SIZE**3 / _seconds(lambda: a @ b, 5)


def _multiplications(model: Any, frames: float) -> float:
    """Operations of one pass: two for each weight and place where it is used, and attention."""
    counted, length = 0.0, frames
    for layer in model.feature_extractor.conv_layers:
        conv = layer.conv
        length = (length - conv.kernel_size[0]) // conv.stride[0] + 1
        counted += 2 * length * conv.weight.numel()
    steps, config = length, model.config
    weights = sum(m.weight.numel() for m in model.modules() if isinstance(m, torch.nn.Linear))
    counted += 2 * steps * weights
    convolution = model.encoder.pos_conv_embed.conv
    counted += 2 * steps * convolution.weight.numel()
    return counted + 4 * steps**2 * config.hidden_size * config.num_hidden_layers
