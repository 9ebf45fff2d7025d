"""The sound-effects CNN of the `aisfx` package, written anew around its published weights.

A. B. Ma and A. Lerch: Representation Learning for the Automatic Indexing of Sound Effects
Libraries, ISMIR 2022. Weights: CC BY 4.0.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy._core import multiarray
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from core.encoders.audio import AudioEncoder
from core.encoders.device import ComputeConfig
from core.encoders.mel_filters import build_mel_filterbank
from core.encoders.registry import EncoderSpec
from core.encoders.windowing import split_into_windows
from core.errors import EarshotError

FFT_SIZE, HOP_LENGTH, MEL_BAND_COUNT = 2048, 1024, 96  # samples, samples, mel bands
MAX_FREQUENCY_HZ = 22_050.0  # Hz
LOG_COMPRESSION = 10_000.0
MAX_TRAINING_LOG_MEL = 9.457799  # the largest log10 value among the sounds it was trained on
# Frames, about 2.3 s, side by side. The network's authors let blocks overlap by half: twice the
# work for vectors that hardly differ (README, Encoders).
BLOCK_FRAMES = 100
BLOCK_BATCH_SIZE = 8
CONV_CHANNELS = (64, 128, 256, 512)
# Below it a clip is silence: less than half a step of 16-bit sound.
MIN_AUDIBLE_PEAK = 1e-5
CHECKPOINT_PREFIX = "embedding_net."


class SoundEffectsEncoder(AudioEncoder):
    """Mean of the network's vectors over the blocks of the clip."""

    def __init__(self, spec: EncoderSpec, compute: ComputeConfig):
        super().__init__(spec, compute.device)
        self._compute = compute
        bank = build_mel_filterbank(MEL_BAND_COUNT, FFT_SIZE, spec.sample_rate, 0.0, MAX_FREQUENCY_HZ)
        # Copied to where torch aligns memory: a product's last bits may depend on that, too.
        self._mel_filterbank = torch.from_numpy(bank).clone()  # [96, 1025]
        # Periodic, as usual for spectrograms.
        self._hann_window = torch.hann_window(FFT_SIZE)
        network = SoundEffectsNetwork(read_checkpoint(spec.weights.resolve_weights_path(spec.id)))
        network = network.to(memory_format=torch.channels_last)
        self._network = compute.prepare_model(network)

    def _embed_waveform(self, waveform: np.ndarray) -> np.ndarray:
        spectrogram = self.compute_log_mel_spectrogram(waveform)  # [frames, 96]
        missing = max(BLOCK_FRAMES - len(spectrogram), 0)
        spectrogram = F.pad(spectrogram, (0, 0, 0, missing))
        blocks = split_into_windows(len(spectrogram), BLOCK_FRAMES)
        images = torch.stack([spectrogram[start:stop] for start, stop in blocks])[:, None]
        dtype = torch.bfloat16 if self._compute.use_bf16 else torch.float32
        with torch.inference_mode():
            vectors = [
                self._network(part.to(self._compute.device, dtype))
                for part in images.split(BLOCK_BATCH_SIZE)
            ]
        return torch.cat(vectors).float().mean(dim=0).cpu().numpy()

    def compute_log_mel_spectrogram(self, waveform: np.ndarray) -> torch.Tensor:
        """Logarithmic mel spectrogram at full level.

        Parameters
        ----------
        waveform : float32 [frames at 44.1 kHz]

        Returns
        -------
        float32 [1 + frames // 1024, 96]
            Mostly in [0, 1].
        """
        samples = torch.from_numpy(waveform)
        peak = samples.abs().max()
        if peak > MIN_AUDIBLE_PEAK:
            samples = samples / peak
        spectrum = torch.stft(
            samples,
            FFT_SIZE,
            HOP_LENGTH,
            window=self._hann_window,
            center=True,
            pad_mode="constant",
            return_complex=True,
        )  # [1025, frames]
        power = spectrum.real.square() + spectrum.imag.square()
        return torch.log10(LOG_COMPRESSION * (self._mel_filterbank @ power) + 1).T / MAX_TRAINING_LOG_MEL


class SoundEffectsNetwork(nn.Module):
    """Eight 3 x 3 convolutions in four pairs, each image halved after the first three pairs.

    Parameters
    ----------
    weights : dict of str to Tensor
        Of the checkpoint; the batch norms are merged into the convolutions.
    """

    def __init__(self, weights: dict[str, torch.Tensor]):
        super().__init__()
        self.layers = nn.ModuleList()
        inputs = 1
        for pair, outputs in enumerate(CONV_CHANNELS, 1):
            for half in (1, 2):
                block = f"{CHECKPOINT_PREFIX}conv_block{pair}."
                self.layers.append(_load_fused_conv(weights, block, half, inputs, outputs))
                inputs = outputs

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Embed blocks [n, 1, 100 frames, 96 bands] as [n, 512]."""
        x = images
        for number, layer in enumerate(self.layers):
            x = layer(x)
            if number in (1, 3, 5):
                x = F.max_pool2d(x, 2)
            # After the largest were picked there are fewer to rectify, with the same outcome.
            x = F.relu(x)
        # Mean over the bands, then the largest over time.
        return x.float().mean(dim=3).amax(dim=2)


def _load_fused_conv(
    weights: dict[str, torch.Tensor], block_prefix: str, conv_number: int, in_channels: int, out_channels: int
) -> nn.Conv2d:
    convolution = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
    norm = nn.BatchNorm2d(out_channels)
    for module, name in ((convolution, f"conv{conv_number}."), (norm, f"bn{conv_number}.")):
        start = block_prefix + name
        mine = [key for key in weights if key.startswith(start)]
        module.load_state_dict({key.removeprefix(start): weights[key] for key in mine})
    return fuse_conv_bn_eval(convolution.eval(), norm.eval())


def read_checkpoint(path: Path) -> dict[str, torch.Tensor]:
    """Read the weights without running any code that the file may hold.

    Besides tensors it holds numpy integers, in a table of data sets that is not
    needed here.

    Raises
    ------
    EarshotError
        When the file is damaged or holds anything else.
    """
    allowed = [
        (multiarray.scalar, "numpy.core.multiarray.scalar"),
        np.dtype,
        np.dtypes.Int64DType,
    ]
    try:
        with torch.serialization.safe_globals(allowed):
            weights, _ = torch.load(path, map_location="cpu", weights_only=True)
        return {key: value for key, value in weights.items() if key.startswith(CHECKPOINT_PREFIX)}
    except Exception as error:  # a damaged archive raises whatever its parser raises
        raise EarshotError(
            f"The weights of the sound-effects CNN cannot be read ({type(error).__name__}).",
            where=str(path),
            remedy="Install its package again:"
            " .venv/bin/pip install --force-reinstall --no-deps aisfx",
        ) from error
