"""Mel filterbanks against values that other programs compute."""

import numpy as np

from core.encoders.mel_filters import build_mel_filterbank, build_slaney_mel_filterbank

# librosa.filters.mel(sr=16000, n_fft=512, n_mels=96) of librosa 0.11: row, column, value.
LIBROSA_VALUES = """\
0 1 0.03199922
1 2 0.03184065
10 11 0.0304135
33 34 0.02799297
33 35 0.001428526
60 81 0.01093231
60 82 0.006231039
95 248 0.00398456
95 249 0.00348649"""


def test_the_slaney_filterbank_equals_that_of_librosa():
    filters = build_slaney_mel_filterbank(96, 512, 16_000)
    assert filters.shape == (96, 257)
    for line in LIBROSA_VALUES.splitlines():
        row, column, value = line.split()
        np.testing.assert_allclose(filters[int(row), int(column)], float(value), rtol=1e-4)
    assert (filters > 0).sum() == 502


def test_the_htk_filterbank_averages_bins():
    filters = build_mel_filterbank(64, 2048, 44_100, 30.0, 16_000.0)
    np.testing.assert_allclose(filters.sum(axis=1), 1, rtol=1e-5)
    hertz = np.arange(1025) * 44_100 / 2048
    centres = filters @ hertz
    assert np.all(np.diff(centres) > 0) and centres[0] > 30 and centres[-1] < 16_000
