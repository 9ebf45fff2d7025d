"""The `musicnn` encoder: a reimplementation of the music-tagging CNN with its published weights.

J. Pons and X. Serra: musicnn: Pre-trained Convolutional Neural Networks for Music Audio Tagging,
ISMIR late-breaking demo, 2019. J. Pons et al.: End-to-end Learning for Music Audio Tagging at
Scale, ISMIR 2018. The weights MSD_musicnn were trained on 50 tags of the Million Song Dataset; an
embedding is the layer before the tags. Licence: ISC.
"""

from __future__ import annotations

import numpy as np
import torch

from core.encoders.audio_encoder_base import AudioEncoder
from core.encoders.encoder_device_and_precision import ComputeConfig
from core.encoders.encoder_spec import EncoderSpec
from core.encoders.mel_filters import build_slaney_mel_filterbank
from core.encoders.musicnn_network import MusicTaggingNetwork, read_network_weights

FFT_SIZE, HOP_LENGTH = 512, 256  # samples
MEL_BAND_COUNT = 96
LOG_COMPRESSION = 10_000.0
WINDOW_FRAMES = 187  # 3 s, the length of the training examples


class MusicTaggingEncoder(AudioEncoder):
    """Mean of the network's vectors over windows of a clip.

    The clip keeps its own level, as in the network's training.

    Parameters
    ----------
    spec : EncoderSpec
    compute : ComputeConfig
    """

    def __init__(self, spec: EncoderSpec, compute: ComputeConfig):
        super().__init__(spec, compute.device)
        self._compute = compute
        self._max_windows = spec.max_windows
        filters = build_slaney_mel_filterbank(MEL_BAND_COUNT, FFT_SIZE, self._sample_rate)
        # Cloned into memory aligned by torch: the last bits of a product may depend on alignment.
        self._mel_filterbank = torch.from_numpy(filters).clone()  # [96, 257]
        self._hann_window = torch.hann_window(FFT_SIZE)
        network = MusicTaggingNetwork(
            read_network_weights(spec.weights.locate_or_download_weights(spec.id))
        )
        self._tag_layer = network.tags
        self._network = compute.prepare_model_for_inference(network)

    def _embed_waveform(self, waveform: np.ndarray) -> np.ndarray:
        windows = split_spectrogram_into_windows(self.compute_log_mel_spectrogram(waveform))
        if self._max_windows is not None:
            windows = select_evenly_spaced_windows(windows, self._max_windows)
        with torch.inference_mode(), self._compute.make_autocast_context():
            vectors = self._network(windows.to(self._compute.device))
        return vectors.mean(dim=0).cpu().numpy()

    def compute_tag_probabilities(self, waveform: np.ndarray) -> np.ndarray:
        """Return the probabilities of the network's tags, which an embedding does not contain.

        Parameters
        ----------
        waveform : float32 [frames at 16 kHz]

        Returns
        -------
        float32 [windows, 50]
            In the order of MSD_LABELS in the package's configuration.py.
        """
        windows = split_spectrogram_into_windows(self.compute_log_mel_spectrogram(waveform))
        with torch.inference_mode(), self._compute.make_autocast_context():
            vectors = self._network(windows.to(self._compute.device))
            return torch.sigmoid(self._tag_layer(vectors).float()).cpu().numpy()

    def compute_log_mel_spectrogram(self, waveform: np.ndarray) -> torch.Tensor:
        """Return the log-mel spectrogram of a waveform.

        The published code rounds the mel power to float16 before the logarithm. A power above 6.5,
        as in loud bass notes, then overflows to infinity. Here it stays float32.

        Parameters
        ----------
        waveform : float32 [frames at 16 kHz]
            At least 257 frames.

        Returns
        -------
        float32 [1 + frames // 256, 96]
            0 for silence; about 5 at full scale.
        """
        spectrum = torch.stft(
            torch.from_numpy(waveform),
            FFT_SIZE,
            HOP_LENGTH,
            window=self._hann_window,
            center=True,
            pad_mode="reflect",
            return_complex=True,
        )  # [257, frames]
        power = spectrum.real.square() + spectrum.imag.square()
        return torch.log10(LOG_COMPRESSION * (self._mel_filterbank @ power) + 1).T


def split_spectrogram_into_windows(spectrogram: torch.Tensor) -> torch.Tensor:
    """Split a spectrogram into evenly spaced windows of 3 s.

    Neighbours overlap, or leave a gap, by less than half a window: one more window for the last
    frames would cost as much as any other, for little change of the mean.

    Parameters
    ----------
    spectrogram : float32 [frames, bands]
        A shorter one is repeated to the length of a window, as in the network's training.

    Returns
    -------
    float32 [windows, 187, bands]
    """
    frame_count = len(spectrogram)
    if frame_count < WINDOW_FRAMES:
        repetitions = -(-WINDOW_FRAMES // frame_count)
        return spectrogram.repeat(repetitions, 1)[None, :WINDOW_FRAMES]
    window_count = max(round(frame_count / WINDOW_FRAMES), 1)
    last_start = frame_count - WINDOW_FRAMES
    gap_count = max(window_count - 1, 1)
    starts = [number * last_start // gap_count for number in range(window_count)]
    return torch.stack([spectrogram[start : start + WINDOW_FRAMES] for start in starts])


def select_evenly_spaced_windows(windows: torch.Tensor, max_count: int) -> torch.Tensor:
    """Select evenly spaced windows: the central one of each of `max_count` equal shares of a clip.

    Parameters
    ----------
    windows : float32 [n, frames, bands]
    max_count : int
        At least 1.

    Returns
    -------
    float32 [min(n, max_count), frames, bands]

    Examples
    --------
    >>> select_evenly_spaced_windows(torch.arange(6), 2)
    tensor([1, 4])
    """
    count = min(len(windows), max_count)
    return windows[[(2 * number + 1) * len(windows) // (2 * count) for number in range(count)]]
