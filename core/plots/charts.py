"""All charts other than the map, for the pages that import them from here."""

from core.plots.metric_comparison import COMPARED_METRICS, draw_metrics_before_after
from core.plots.spectrogram import draw_waveform_and_spectrogram
from core.plots.training_curves import draw_run_comparison, draw_training_curves
from core.plots.waveform import compute_envelope, draw_waveform_svg

__all__ = [
    "COMPARED_METRICS",
    "compute_envelope",
    "draw_metrics_before_after",
    "draw_run_comparison",
    "draw_training_curves",
    "draw_waveform_and_spectrogram",
    "draw_waveform_svg",
]
