"""MuQ: a conformer on mel spectrograms, trained on music without labels.

The network of Zhu et al., "MuQ: Self-Supervised Music Representation Learning with Mel Residual
Vector Quantization", 2025 (arXiv 2501.01108), written anew; its conformer is the one of
transformers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import Wav2Vec2ConformerConfig
from transformers.models.wav2vec2_conformer.modeling_wav2vec2_conformer import (
    Wav2Vec2ConformerEncoder,
)

from core.encoders.audio_encoder_base import AudioEncoder
from core.encoders.encoder_device_and_precision import ComputeConfig
from core.encoders.encoder_spec import EncoderSpec
from core.encoders.mel_filters import build_mel_filterbank
from core.encoders.network_checkpoint_loading import load_network_from_checkpoint
from core.encoders.overlapping_windows import split_into_windows

MUQ_SAMPLE_RATE = 24_000
FFT_SIZE = 2048
MIN_POWER = 1e-10
"""Floor of the power before decibels, as in torchaudio."""
MAX_WINDOW_SECONDS = 30.0
FRAMES_PER_SECOND = 100
STRIDES_BY_REDUCTION = {4: (2, 2), 2: (2, 1)}
"""Strides in time of the two convolution blocks, by the factor of frames per step."""
FEATURE_NAME = "melspec_2048"


class MuqEncoder(AudioEncoder):
    """Mean of the last layer over time. It always computes in fp32, as its authors advise.

    Parameters
    ----------
    spec : EncoderSpec
    compute : ComputeConfig
    """

    def __init__(self, spec: EncoderSpec, compute: ComputeConfig):
        super().__init__(spec, compute.device)
        folder = spec.weights.locate_or_download_weights(spec.id)
        network = load_network_from_checkpoint(MuqNetwork, folder, spec.id, "model.")
        self._network = network.to(compute.device).eval()

    def _embed_waveform(self, waveform: np.ndarray) -> np.ndarray:
        values = torch.from_numpy(np.ascontiguousarray(waveform)).to(self._device)
        max_frames = int(MAX_WINDOW_SECONDS * self._sample_rate)
        with torch.inference_mode():
            means = [
                self._network(values[None, start:stop].clone()).mean(dim=1)
                for start, stop in split_into_windows(len(waveform), max_frames)
            ]
        return torch.cat(means).mean(dim=0).cpu().numpy()


class MuqNetwork(nn.Module):
    """From waveforms at 24 kHz to the last layer of the conformer.

    Parameters
    ----------
    config : dict
        Content of config.json.
    """

    mel_filters: torch.Tensor
    window: torch.Tensor

    def __init__(self, config: dict[str, Any]):
        super().__init__()
        band_count = int(config.get("n_mels", 128))
        width = int(config.get("encoder_dim", 1024))
        reduction = FRAMES_PER_SECOND // int(config.get("label_rate", 25))
        self._hop_length = int(config.get("hop_length", 240))
        self._mean = float(config["stat"][f"{FEATURE_NAME}_mean"])
        self._deviation = float(config["stat"][f"{FEATURE_NAME}_std"])
        filters = build_mel_filterbank(
            band_count, FFT_SIZE, MUQ_SAMPLE_RATE, 0.0, MUQ_SAMPLE_RATE / 2, normalize=False
        )
        self.register_buffer("mel_filters", torch.from_numpy(filters), persistent=False)
        self.register_buffer("window", torch.hann_window(FFT_SIZE), persistent=False)
        self.conv = _Subsampling(
            int(config.get("conv_dim", 512)), width, STRIDES_BY_REDUCTION[reduction], band_count
        )
        layer_count = int(config.get("encoder_depth", 12))
        self.conformer = Wav2Vec2ConformerEncoder(
            Wav2Vec2ConformerConfig(
                **{
                    **config["w2v2_config"],
                    "num_hidden_layers": layer_count,
                    "hidden_size": width,
                }
            )
        )

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Return the last layer, float32 [n, steps, width], of waveforms [n, frames]."""
        return self.compute_layer(waveforms, -1)

    def compute_layer(self, waveforms: torch.Tensor, layer: int) -> torch.Tensor:
        """Return one layer: 0 is the conformer's input, -1 the last one, with its normalization."""
        levels = self.compute_mel_levels(waveforms)
        hidden = self.conv((levels - self._mean) / self._deviation)
        output = self.conformer(hidden, output_hidden_states=layer != -1)
        states: torch.Tensor = (
            output.last_hidden_state if layer == -1 else output.hidden_states[layer]
        )
        return states

    def compute_mel_levels(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Return the mel spectrogram in decibels, float32 [n, bands, frames]."""
        spectrum = torch.stft(
            waveforms,
            FFT_SIZE,
            self._hop_length,
            window=self.window,
            center=True,
            pad_mode="reflect",
            return_complex=True,
        )
        power = self.mel_filters @ spectrum.abs().square()
        # The network was trained without the last frame.
        return 10 * power.clamp(min=MIN_POWER).log10()[..., :-1]


class _Subsampling(nn.Module):
    """Two residual blocks of 2-D convolutions and a projection: [n, bands, frames] to steps."""

    def __init__(self, channels: int, width: int, strides: tuple[int, int], band_count: int):
        super().__init__()
        self.conv = nn.Sequential(
            _ResidualBlock(1, channels, (2, strides[0])),
            _ResidualBlock(channels, channels, (2, strides[1])),
        )
        self.linear = nn.Linear(channels * (band_count // 4), width)

    def forward(self, levels: torch.Tensor) -> torch.Tensor:
        maps = self.conv(levels[:, None])  # [n, channels, bands / 4, steps]
        steps = maps.permute(0, 3, 1, 2).flatten(start_dim=2)
        projected: torch.Tensor = self.linear(steps)  # [n, steps, width]
        return projected


class _ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions beside one with the same stride."""

    def __init__(self, channels_in: int, channels_out: int, stride: tuple[int, int]):
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, padding=1, stride=stride)
        self.bn1 = nn.BatchNorm2d(channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(channels_out)
        self.conv3 = nn.Conv2d(channels_in, channels_out, 3, padding=1, stride=stride)
        self.bn3 = nn.BatchNorm2d(channels_out)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        main = self.bn2(self.conv2(self.bn1(self.conv1(maps)).relu()))
        return (main + self.bn3(self.conv3(maps))).relu()
