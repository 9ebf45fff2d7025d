"""Benchmark: 200 candidates of a 40-line program made, read and predicted, and 6 of them picked.

Also the sensitivity of its literals, a step of a slider, and the clips of the picks, rendered and
encoded by one warm worker per core. On the starter corpus's alignment, after loading.

The medians are of different seeds, so that nothing comes from a cache of predictions; the processes
that share the work are warm. Processor time is that of the main process.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from core.corpus import Corpus
from core.operations.corpus_opening import choose_default_corpus
from core.search import open_aligned_corpus
from core.search.aligned_corpus import AlignedCorpus
from core.sonicpi.background_render_queue import BackgroundRenderQueue
from core.suggest import CandidateOptions, SuggestOptions, suggest
from core.suggest.audition_loop_timing_and_loudness import (
    compute_loop_timings,
    compute_loudness_gain,
)
from core.suggest.candidate_prediction import predict_candidates
from core.suggest.candidates import iterate_candidates
from core.suggest.literal_sensitivity import measure_sensitivity_to_literals
from core.suggest.program_analysis_process_pool import get_program_analysis_process_pool
from core.suggest.slider_prediction import SliderPredictor
from core.suggest.suggest_and_pick_variants import (
    build_outline_of_audible_program,
    pick_best_candidate_rows,
)

CANDIDATES, PICKS, BARS = 200, 6, 4
PROGRAM = """\
# Four layers in C minor
use_bpm 120
use_random_seed 42
notes = (scale :c3, :minor)

live_loop :bass do
  use_synth :tb303
  with_fx :reverb, room: 0.8 do
    play notes.choose, cutoff: rrand(70, 100), release: 0.2, amp: 0.8
    sleep 0.5
    play :c2, cutoff: 100, release: 0.3
    sleep 0.25
    play :eb2, cutoff: 90, release: 0.3
    sleep 0.25
  end
end

live_loop :drums do
  sample :bd_haus, amp: 1.5
  sleep 0.5
  sample :drum_cymbal_closed, rate: 1.2 if one_in(2)
  sleep 0.5
end

live_loop :hats do
  4.times do
    sample :elec_tick, amp: rand
    sleep 0.25
  end
end

with_fx :echo, phase: 0.75, mix: 0.3 do
  live_loop :pad do
    synth :prophet, note: :c4, attack: 1, release: 3, amp: 0.4
    sleep 4
    synth :prophet, note: :eb4, attack: 1, release: 3, amp: 0.4
    sleep 4
  end
end
"""


def run(variants: int = 7) -> list[tuple[str, object]]:
    """Return the measured medians.

    Parameters
    ----------
    variants : int
        Repetitions.
    """
    aligned_corpus = open_aligned_corpus(Corpus.open(choose_default_corpus()))
    get_program_analysis_process_pool().wait_until_ready()
    suggest_options = SuggestOptions(
        CANDIDATES, PICKS, candidates=CandidateOptions(seed=variants + 1)
    )
    suggest(aligned_corpus, PROGRAM, suggest_options)

    def make_and_pick(seed: int) -> None:
        options = SuggestOptions(CANDIDATES, PICKS, candidates=CandidateOptions(seed=seed))
        outline = build_outline_of_audible_program(PROGRAM)
        candidates = iterate_candidates(outline, options.candidates)
        predicted = predict_candidates(aligned_corpus, outline, candidates, CANDIDATES)
        pick_best_candidate_rows(aligned_corpus, predicted, options)

    def make_only(seed: int) -> None:
        outline = build_outline_of_audible_program(PROGRAM)
        list(islice(iterate_candidates(outline, CandidateOptions(seed=seed)), CANDIDATES))

    def suggest_all(seed: int) -> None:
        options = SuggestOptions(CANDIDATES, PICKS, candidates=CandidateOptions(seed=seed))
        suggest(aligned_corpus, PROGRAM, options)

    rows = measure_sensitivity_to_literals(aligned_corpus, PROGRAM)
    predictor = SliderPredictor(aligned_corpus, PROGRAM)

    def move_slider(step: int) -> None:
        index = step % len(predictor.sliders)
        value = step * 7 % len(predictor.sliders[index].values)
        predictor.predict_slider_value(index, value)

    move_slider(0)
    return [
        ("candidates", CANDIDATES),
        ("make candidates, ms", _measure_median_task_ms(make_only, variants)),
        ("make, read, predict and pick, ms", _measure_median_task_ms(make_and_pick, variants)),
        (
            "the same with forecast and neighbours of the picks, ms",
            _measure_median_task_ms(suggest_all, variants),
        ),
        (
            "processor time of make, read, predict and pick, ms",
            _measure_median_task_ms(make_and_pick, variants, time.process_time),
        ),
        ("literals", len(rows)),
        (
            "sensitivity of all literals, ms",
            _measure_median_task_ms(
                lambda _: measure_sensitivity_to_literals(aligned_corpus, PROGRAM), variants
            ),
        ),
        (
            "a slider's value with forecast and neighbours, ms",
            _measure_median_task_ms(move_slider, 5 * variants),
        ),
        (
            f"clips of the program and {PICKS} picks rendered and encoded, ms",
            _measure_median_clips_ms(aligned_corpus, variants),
        ),
    ]


def _measure_median_clips_ms(aligned_corpus: AlignedCorpus, repeats: int) -> float:
    """Return how long the cards of page Suggest wait for their clips."""
    queue = BackgroundRenderQueue()
    queue.start_render_workers()

    def render_card(source: str, seconds: float) -> None:
        clip = queue.submit_program(source, seconds).result().clip
        if clip is not None:
            clip.encode_audio_file(".flac")
            compute_loudness_gain(clip)

    def render_cards(seed: int) -> float:
        options = SuggestOptions(CANDIDATES, PICKS, candidates=CandidateOptions(seed=seed))
        # Another comment each time, so that no clip comes from an earlier one.
        sources = [PROGRAM, *(pick.source for pick in suggest(aligned_corpus, PROGRAM, options))]
        sources = [f"{source}# {seed}\n" for source in sources]
        timings = compute_loop_timings(sources, BARS)
        started = time.perf_counter()
        with ThreadPoolExecutor(len(sources)) as waiting:
            list(waiting.map(render_card, sources, [timing.seconds for timing in timings]))
        return 1000 * (time.perf_counter() - started)

    try:
        render_cards(0)  # Starts the workers.
        return round(statistics.median(render_cards(seed) for seed in range(1, repeats + 1)), 1)
    finally:
        queue.close()


def _measure_median_task_ms(
    task: Callable[[int], object], repeats: int, clock: Callable[[], float] = time.perf_counter
) -> float:
    times = []
    for seed in range(1, repeats + 1):
        started = clock()
        task(seed)
        times.append(1000 * (clock() - started))
    return round(statistics.median(times), 1)
