"""Tests of rendering in the background, with real workers."""

from __future__ import annotations

import numpy as np

from core.sonicpi import try_render
from core.sonicpi.background_render_queue import BackgroundRenderQueue
from pages.components.audition_http_routes import AuditionClips


def test_the_queue_renders_as_a_single_render_does_and_survives_bad_programs() -> None:
    queue = BackgroundRenderQueue(worker_count=2)
    try:
        queue.start_render_workers()
        clips = AuditionClips(queue)
        program = "use_synth :saw\nplay 50, release: 0.5\n"
        ids = clips.request_clip_rendering(
            [(program, 1.0), ("plya 60\n", 1.0), ("play (", 1.0)], "one"
        )
        futures = [clips.find_future_result(clip_id) for clip_id in ids]
        assert all(future is not None for future in futures)
        good, unknown, syntax = (future.result(60) for future in futures if future)
        expected = try_render(program, 1.0).clip
        assert good.clip is not None and expected is not None
        np.testing.assert_array_equal(good.clip.samples, expected.samples)
        encoded = clips.encode_audition_clip(ids[0], good)
        assert encoded.flac_bytes[:4] == b"fLaC" and encoded.gain > 0
        assert "line 1" in clips.encode_audition_clip(ids[1], unknown).error
        assert syntax.error is not None and syntax.error.kind == "syntax"
        # A clip that nobody wants any more does not wait, and one that two want does.
        busy = [(f"play {note}", 1.0) for note in range(40, 60)]
        two = clips.request_clip_rendering(busy, "one")
        clips.request_clip_rendering(busy[-1:], "two")
        clips.request_clip_rendering([], "one")
        last = clips.find_future_result(two[-1])
        assert last is not None and last.result(60).has_clip
        before_last = clips.find_future_result(two[-2])
        assert before_last is not None and before_last.cancelled()
        # What was cancelled can be requested again.
        again = clips.find_future_result(clips.request_clip_rendering(busy[-2:-1], "one")[0])
        assert again is not None and again.result(60).has_clip
    finally:
        queue.close()
