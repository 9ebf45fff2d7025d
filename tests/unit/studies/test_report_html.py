"""Captions and clips of an HTML report."""

from __future__ import annotations

from core.studies.report_html import remove_click_hints_from_caption, select_evenly_spaced_clips


def test_a_report_leaves_out_hints_on_clicking():
    caption = "A point is a pair. Click one to play both, one after the other."
    assert remove_click_hints_from_caption(caption) == "A point is a pair."


def test_clips_are_sampled_from_first_to_last():
    assert select_evenly_spaced_clips(list(range(75)), 3) == [0, 25, 50]
    assert select_evenly_spaced_clips([1, 2], 3) == [1, 2]
