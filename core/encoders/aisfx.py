"""The `aisfx` encoder: a reimplementation of the sound-effects CNN with its published weights.

A. B. Ma and A. Lerch: Representation Learning for the Automatic Indexing of Sound Effects
Libraries, ISMIR 2022. Weights: CC BY 4.0.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy._core import multiarray
from torch import nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from core.encoders.audio_encoder_base import AudioEncoder
from core.encoders.encoder_device_and_precision import ComputeConfig
from core.encoders.encoder_spec import EncoderSpec
from core.encoders.mel_filters import build_mel_filterbank
from core.encoders.overlapping_windows import split_into_windows
from core.errors import EarshotError

FFT_SIZE, HOP_LENGTH = 2048, 1024  # samples
MEL_BAND_COUNT = 96
MAX_FREQUENCY_HZ = 22_050.0
LOG_COMPRESSION = 10_000.0
MAX_TRAINING_LOG_MEL = 9.457799  # maximum of log10 over the training set
# About 2.3 s per block, without overlap. The authors use blocks that overlap by half, which doubles
# the work for nearly the same vectors (README, Encoders).
BLOCK_FRAMES = 100
BLOCK_BATCH_SIZE = 8
CONV_CHANNELS = (64, 128, 256, 512)
# Less than half a quantization step of 16-bit audio; quieter clips count as silence.
MIN_AUDIBLE_PEAK = 1e-5
CHECKPOINT_PREFIX = "embedding_net."


class SoundEffectsEncoder(AudioEncoder):
    """Mean of the network's vectors over the blocks of a clip.

    Parameters
    ----------
    spec : EncoderSpec
    compute : ComputeConfig
    """

    def __init__(self, spec: EncoderSpec, compute: ComputeConfig):
        super().__init__(spec, compute.device)
        self._compute = compute
        filters = build_mel_filterbank(
            MEL_BAND_COUNT, FFT_SIZE, self._sample_rate, 0.0, MAX_FREQUENCY_HZ
        )
        # Cloned into memory aligned by torch: the last bits of a product may depend on alignment.
        self._mel_filterbank = torch.from_numpy(filters).clone()  # [96, 1025]
        # Periodic, as usual for spectrograms.
        self._hann_window = torch.hann_window(FFT_SIZE)
        network = SoundEffectsNetwork(
            read_checkpoint_weights(spec.weights.locate_or_download_weights(spec.id))
        )
        # torch's stubs do not list this argument of Module.to.
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in the stubs
        self._network = compute.prepare_model_for_inference(network)

    def _embed_waveform(self, waveform: np.ndarray) -> np.ndarray:
        spectrogram = self.compute_log_mel_spectrogram(waveform)  # [frames, 96]
        missing_frames = max(BLOCK_FRAMES - len(spectrogram), 0)
        spectrogram = functional.pad(spectrogram, (0, 0, 0, missing_frames))
        blocks = split_into_windows(len(spectrogram), BLOCK_FRAMES)
        images = torch.stack([spectrogram[start:stop] for start, stop in blocks])[:, None]
        dtype = torch.bfloat16 if self._compute.use_bf16 else torch.float32
        with torch.inference_mode():
            vectors = [
                self._network(batch.to(self._compute.device, dtype))
                for batch in images.split(BLOCK_BATCH_SIZE)
            ]
        return torch.cat(vectors).float().mean(dim=0).cpu().numpy()

    def compute_log_mel_spectrogram(self, waveform: np.ndarray) -> torch.Tensor:
        """Return the log-mel spectrogram of a waveform, scaled to full level.

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
        mel_power = self._mel_filterbank @ power
        return torch.log10(LOG_COMPRESSION * mel_power + 1).T / MAX_TRAINING_LOG_MEL


class SoundEffectsNetwork(nn.Module):
    """Four pairs of 3 x 3 convolutions; the image is halved after each of the first three pairs.

    Parameters
    ----------
    weights : dict of str to Tensor
        From the checkpoint. The batch norms are fused into the convolutions.
    """

    def __init__(self, weights: dict[str, torch.Tensor]):
        super().__init__()
        self.layers = nn.ModuleList()
        in_channels = 1
        for pair, out_channels in enumerate(CONV_CHANNELS, 1):
            for conv_number in (1, 2):
                block_prefix = f"{CHECKPOINT_PREFIX}conv_block{pair}."
                self.layers.append(
                    _load_conv_with_fused_batch_norm(
                        weights, block_prefix, conv_number, in_channels, out_channels
                    )
                )
                in_channels = out_channels

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Embed blocks [n, 1, 100 frames, 96 bands] as [n, 512]."""
        hidden = images
        for number, layer in enumerate(self.layers):
            hidden = layer(hidden)
            if number in (1, 3, 5):
                hidden = functional.max_pool2d(hidden, 2)
            # ReLU and max pooling commute, and after pooling ReLU has fewer values to process.
            hidden = functional.relu(hidden)
        # Mean over the bands, then maximum over time.
        return hidden.float().mean(dim=3).amax(dim=2)


def _load_conv_with_fused_batch_norm(
    weights: dict[str, torch.Tensor],
    block_prefix: str,
    conv_number: int,
    in_channels: int,
    out_channels: int,
) -> nn.Conv2d:
    """Return a convolution of the checkpoint with its batch norm fused into it."""
    convolution = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
    norm = nn.BatchNorm2d(out_channels)
    for module, name in ((convolution, f"conv{conv_number}."), (norm, f"bn{conv_number}.")):
        prefix = block_prefix + name
        module_keys = [key for key in weights if key.startswith(prefix)]
        module.load_state_dict({key.removeprefix(prefix): weights[key] for key in module_keys})
    return fuse_conv_bn_eval(convolution.eval(), norm.eval())


def read_checkpoint_weights(path: Path) -> dict[str, torch.Tensor]:
    """Read the network's weights without running code that the file may contain.

    Parameters
    ----------
    path : Path

    Returns
    -------
    dict of str to Tensor

    Raises
    ------
    EarshotError
        If the file is damaged or contains anything but tensors and numpy integers.
    """
    # Besides tensors the file has a table of data sets with numpy integers, which is not used.
    allowed_types: list[Any] = [
        (multiarray.scalar, "numpy.core.multiarray.scalar"),
        np.dtype,
        np.dtypes.Int64DType,
    ]
    try:
        with torch.serialization.safe_globals(allowed_types):
            weights, _ = torch.load(path, map_location="cpu", weights_only=True)
        return {key: value for key, value in weights.items() if key.startswith(CHECKPOINT_PREFIX)}
    except Exception as error:  # damaged archives raise errors of many types
        raise EarshotError(
            f"The weights of the sound-effects CNN cannot be read ({type(error).__name__}).",
            where=str(path),
            remedy="Reinstall its package: .venv/bin/pip install --force-reinstall --no-deps aisfx",
        ) from error
