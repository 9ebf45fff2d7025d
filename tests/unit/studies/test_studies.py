"""Studies: statistics against scipy, and a case of known answer for each."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.spatial.distance import cdist, pdist

from core import programs
from core.studies.completion_metrics import evaluate_candidate_subsets, evaluate_each_candidate, evaluate_prompt_query, measure_alignment_gain
from core.studies.mantel import DistanceCorrelation, correlate_distances, rank_disagreeing_pairs, compute_pair_distances
from core.studies.figures import plot_parallel_coordinates
from core.studies.parameter_perturbation import perturb_parameter
from core.studies.two_sample_test import run_two_sample_test
from core.studies.audio_descriptors import correlate_descriptors, measure_descriptors
from core.programs.grammar import compose_programs
from core.studies import paper_results
from core.studies.subject_selection import find_best_alignment
from core.studies.completion_notes import describe_neighbour_errors, describe_descriptor_influence, describe_alignment_gains
from core.studies.correlation import describe_permutation_test
from core.studies.perturbation import GAIN_MEASURE, _make_comparison_rows, describe_paper_bounds
from core.studies.report_html import sample_evenly, remove_click_hints
from core.studies.report_markdown import drop_empty_columns
from core.studies.result import compare_to_paper
from core.studies.scenario_files import load_scenarios
from core.studies.report_summary import collect_main_rows, format_main_table, summarize_verdicts
from core.studies.sweep import select_best_configurations, average_over_seeds

RNG = np.random.default_rng(3)


def test_distances_and_their_correlation_are_scipys():
    x, y = RNG.normal(size=(12, 5)), RNG.normal(size=(12, 7))
    a, b = compute_pair_distances(x), compute_pair_distances(y)
    np.testing.assert_allclose(a, pdist(x, "cosine"), atol=1e-6)
    found = correlate_distances(a, b, permutations=99)
    assert found.pearson == pytest.approx(stats.pearsonr(a, b).statistic)
    assert found.spearman_p == pytest.approx(stats.spearmanr(a, b).pvalue)


def test_permutation_test_sees_one_space_twice_and_not_two_unrelated_ones():
    a, b = compute_pair_distances(RNG.normal(size=(15, 4))), compute_pair_distances(RNG.normal(size=(15, 4)))
    assert correlate_distances(a, a, permutations=199).pearson_mantel_p == pytest.approx(1 / 200)
    assert correlate_distances(a, -a, permutations=0).spearman == pytest.approx(-1)
    assert correlate_distances(a, b, permutations=199).pearson_mantel_p > 0.01
    assert np.isnan(correlate_distances(a, np.ones_like(a)).pearson)


def test_most_apart_is_near_in_the_first_and_far_in_the_second():
    assert rank_disagreeing_pairs(np.array([1, 2, 3.0]), np.array([9, 2, 1.0]), 1).tolist() == [0]


def test_a_classifier_tells_apart_what_is_apart_only():
    x = RNG.normal(size=(60, 6))
    assert all(hit.mean() == 1 for hit in run_two_sample_test(x + 5, x - 5).values())
    mixed = run_two_sample_test(RNG.normal(size=(200, 6)), RNG.normal(size=(200, 6)))
    assert all(abs(hit.mean() - 0.5) < 0.12 for hit in mixed.values())


def test_completion_of_equal_spaces_is_perfect():
    x = RNG.normal(size=(24, 5))
    for found in (evaluate_each_candidate(x, x), evaluate_prompt_query(x, x)):
        np.testing.assert_allclose(found["value"], 1, atol=1e-6)


def test_what_is_gained_is_the_difference_and_its_interval_is_its_own():
    sound, noise = RNG.normal(size=(24, 5)), RNG.normal(size=(24, 4))
    rose = measure_alignment_gain(noise, sound, sound)
    whole = [evaluate_each_candidate(code, sound)["value"] for code in (noise, sound)]
    np.testing.assert_allclose(rose["value"], whole[1] - whole[0])
    assert (rose["low"] > 0).all()
    fell = measure_alignment_gain(sound, noise, sound)
    np.testing.assert_allclose(fell["high"], -rose["low"])
    # Each candidate gains nothing: the same resample is asked twice.
    assert (measure_alignment_gain(noise, noise, sound)[["value", "low", "high"]] == 0).all(axis=None)
    table = pd.concat([t.assign(scenario="bass", sound="one") for t in (rose, fell[:1])])
    (told,) = describe_alignment_gains(table, {"one": "aisfx"})
    assert "of 5 numbers 4 rise (bass jaccard@3 +" in told and "1 fall (bass jaccard@3 -" in told


def test_among_fewer_candidates_neighbours_agree_more():
    x, noise = RNG.normal(size=(24, 5)), RNG.normal(size=(24, 4))
    same = evaluate_candidate_subsets(x, x, (6, 24), draw_count=5)
    assert same["overlap@3"].tolist() == same["jaccard@3"].tolist() == [1, 1]
    found = evaluate_candidate_subsets(x, noise, (6, 12, 24), draw_count=300)
    np.testing.assert_allclose(found["overlap@3"], found["chance"], atol=0.08)
    whole = evaluate_each_candidate(x, noise).set_index("metric")["value"]
    assert found["overlap@3"].iloc[-1] == pytest.approx(whole["overlap@3"])
    assert found["jaccard@3"].iloc[-1] == pytest.approx(whole["jaccard@3"])


def test_completion_from_the_prompt_is_scipys():
    x, y = RNG.normal(size=(24, 5)), RNG.normal(size=(24, 4))
    found = evaluate_prompt_query(x, y).set_index("metric")
    near = [cdist(each[:1], each[1:], "cosine")[0] for each in (x, y)]
    assert found.loc["pearson", "value"] == pytest.approx(stats.pearsonr(*near).statistic)
    assert found.loc["spearman", "value"] == pytest.approx(stats.spearmanr(*near).statistic)
    assert (found.loc["pearson", "low"] < found.loc["pearson", "value"]) and (
        found.loc["pearson", "value"] < found.loc["pearson", "high"]
    )
    common = len(set(near[0].argsort()[:3]) & set(near[1].argsort()[:3]))
    assert found.loc["overlap@3", "value"] == pytest.approx(common / 3)


def test_movements_in_step_correlate_and_alignment_that_turns_them_round_loses():
    steps = np.arange(1, 10) / 100
    changes = pd.DataFrame(
        {
            "program": [f"p{i % 3}" for i in range(9)],
            "kind": np.repeat(["sleep", "amp", "bpm"], 3),
            "sound": 1 - steps,
            "code": 1 - steps**2,
            "aligned_code": 1 - steps[::-1],
        }
    )
    spaces = {"code": "raw code", "aligned_code": "aligned code"}
    measured = {row["measure"]: row["measured"] for row in _make_comparison_rows(changes, spaces, "test", 0)}
    assert measured["Rank correlation of movements of sound and raw code"] == pytest.approx(1)
    assert measured["Rank correlation of movements of sound and aligned code"] == pytest.approx(-1)
    assert measured[GAIN_MEASURE] == pytest.approx(-2)
    assert measured["Mean similarity of sound: sleep, amp, bpm"] == pytest.approx(0.95)
    told = describe_paper_bounds(changes)
    assert told.startswith("100% of the changes leave") and "78% bring the sound's below" in told
    assert "bpm 0.92, amp 0.95, sleep 0.98" in told


@pytest.mark.parametrize(
    ("source", "kind", "strength", "wanted"),
    [
        ("sleep 0.5", "sleep", 2.0, "sleep 1"),
        ("play 60, amp: 2", "amp", 0.5, "play 60, amp: 1"),
        ("play 60", "bpm", 2.0, "use_bpm 120\nplay 60"),
        ("play 60", "note", 12, "play 72"),
        ("use_synth :beep", "synth", 1, "use_synth :saw"),
        ("play :e4", "note", 1, None),
    ],
)
def test_a_change_of_text_is_the_one_asked_for(source, kind, strength, wanted):
    assert perturb_parameter(source, kind, strength) == wanted


def test_verdicts_and_the_papers_values():
    row = {"measure": "m", "split": "test", "seed": 0, "published": "completion.bass.ours.pearson"}
    values = [(0.9, 0.8, 1.0), (0.5, 0.4, 0.6), (0.1, 0.0, 0.2)]
    found = compare_to_paper([{**row, "measured": v, "low": lo, "high": hi} for v, lo, hi in values])
    assert found["verdict"].tolist() == ["above", "level with", "below"]
    assert found["paper"].tolist() == [0.46] * 3
    assert len(paper_results.list_published_numbers("completion")) == 24


def test_candidates_are_many_different_and_no_variant_of_a_template():
    # Those of README's corpus, and more that are composed.
    made = {p.source.strip() for t in programs.list_templates() for p in programs.generate(t, 100, 0)}
    made |= {p.source.strip() for p in compose_programs(200, 0)}
    for scenario in load_scenarios():
        texts = [each.continuation.strip() for each in scenario.candidates]
        assert len(set(texts)) == len(texts) >= 20
        wholes = {each.source.strip() for each in scenario.candidates}
        assert not made & {*texts, *wholes, scenario.prompt.strip()}


def test_a_sweeps_table_is_the_mean_over_seeds():
    row = {"split": "test", "reading": "aligned code ~ aligned audio", "metric": "cka"}
    numbers = pd.DataFrame(
        [{**row, "name": "a", "number": 0, "seed": s, "value": v} for s, v in ((0, 0.2), (1, 0.4))]
    )
    found = average_over_seeds(numbers).iloc[0]
    assert found["test cka"] == pytest.approx(0.3) and found["seeds"] == 2


def test_a_sweeps_best_is_chosen_on_validation_and_told_of_test():
    values = {
        ("a", "validation"): 0.5,
        ("a", "test"): 0.2,
        ("b", "validation"): 0.4,
        ("b", "test"): 0.9,
    }
    numbers = pd.DataFrame(
        [
            {
                "name": name,
                "number": "ab".index(name),
                "seed": seed,
                "split": split,
                "reading": "aligned code ~ aligned audio",
                "metric": metric,
                "value": value,
            }
            for (name, split), value in values.items()
            for seed in (0, 1)
            for metric in ("cka", "cca")
        ]
    )
    rows = select_best_configurations(average_over_seeds(numbers))
    assert [row["measure"] for row in rows] == ["Best CKA: a", "Best CCA: a"]
    assert [row["measured"] for row in rows] == pytest.approx([0.2, 0.2])
    # Beside it what no head can bend, for which the paper has no number.
    unbent = numbers.assign(reading="aligned code ~ raw audio", value=numbers["value"] / 2)
    rows = select_best_configurations(average_over_seeds(pd.concat([numbers, unbent])))
    assert [row["measured"] for row in rows] == pytest.approx([0.2, 0.1, 0.2, 0.1])
    assert rows[1]["measure"] == "The same against raw sound, CKA" and not rows[1]["published"]


def test_completion_names_a_case_that_it_misses():
    rows = [
        ("01", "low", "02 03 04", "02 03 04", "04 03 02", 3),
        ("02", "saw", "01 03 04", "05 03 04", "01", 0),
    ]
    titled = [
        ("03", "c", "01", "01", "01", 1),
        ("04", "d", "01", "01", "01", 1),
        ("05", "square", "01", "01", "01", 1),
    ]
    names = ["candidate", "title", "raw", "aligned", "sound", "shared, aligned"]
    cases = pd.DataFrame(rows + titled, columns=names).assign(scenario="bass")
    (note,) = describe_neighbour_errors(cases)
    assert "1 of 5 candidates" in note and "53%" in note  # 8 of 15 names
    assert "'saw', is by aligned code nearest to 'square', by sound to 'low'" in note


def test_a_parametric_p_is_called_too_small_only_where_it_is():
    values = {"pearson": 0.1, "pearson_p": 0.1, "pearson_mantel_p": 0.1, "spearman": 0.2}
    dependent = DistanceCorrelation(**values, spearman_p=0.001, spearman_mantel_p=0.2, pairs=351)
    assert "too small" in describe_permutation_test(dependent) and "do not agree" in describe_permutation_test(dependent)
    fine = DistanceCorrelation(**values, spearman_p=0.03, spearman_mantel_p=0.02, pairs=351)
    assert "too small" not in describe_permutation_test(fine) and "do agree" in describe_permutation_test(fine)


def test_the_best_alignment_is_of_the_corpus_ear_and_of_all_its_templates():
    def record(number, audio, value, unseen=()):
        row = {"split": "validation", "reading": "aligned code ~ raw audio", "metric": "overlap@3"}
        return SimpleNamespace(
            id=f"{number:04d}-x",
            metrics={"readings": [{**row, "value": value}]},
            config={"encoders": {"audio": {"id": audio}}, "split": {"unseen_templates": unseen}},
        )

    records = [
        record(1, "aisfx", 0.3),
        record(2, "aisfx", 0.4),
        record(3, "log-mel", 0.9),
        record(4, "aisfx", None),
        record(5, "aisfx", 0.8, ["02_1_beeps"]),
    ]
    corpus = SimpleNamespace(alignments=lambda: records, settings={"encoders": {"audio": "aisfx"}})
    assert find_best_alignment(corpus).id == "0002-x"
    records[:] = records[3:]
    assert find_best_alignment(corpus).id == "0004-x"
    records[:] = records[1:]
    assert find_best_alignment(corpus).id == "0005-x"


def test_a_report_leaves_out_what_only_a_page_can_do():
    said = remove_click_hints("A point is a pair. Click one to hear both, one after the other.")
    assert said == "A point is a pair."


def test_the_main_table_has_the_papers_numbers_in_its_order():
    row = {"low": 0.0, "high": 1.0, "split": "test", "seed": 0}
    completion = compare_to_paper(
        [
            {
                **row,
                "measure": f"bass: Pearson, {code} code ~ {heard}",
                "measured": value,
                "published": f"completion.bass.{known}.pearson",
            }
            for code, heard, value, known in (
                ("raw", "raw sound", 0.1, "raw"),
                ("aligned", "raw sound", 0.7, "ours"),
                ("aligned", "raw sound, unseen ear", 0.6, "ours"),
                ("aligned", "aligned sound", 9, "ours"),
            )
        ]
    )
    correlation = compare_to_paper(
        [
            {
                **row,
                "low": 0.05,
                "measure": f"{name}, raw code against raw sound",
                "measured": 0.25,
                "published": f"correlation.{name.lower()}",
            }
            for name in ("Pearson", "Spearman")
        ]
    )
    rows = collect_main_rows({"completion": completion, "correlation": correlation})
    assert rows["measured"].tolist() == [0.25, 0.25, 0.1, 0.7, 0.6]
    assert rows["number"].tolist() == ["Pearson", "Spearman", *["Pearson"] * 3]
    table = format_main_table(rows).splitlines()
    assert len(table) == 2 + 4
    assert "| 0.250 · 0.250 | 0.016 · 0.041 | +0.234 · +0.209 | above · above |" in table[2]
    assert "above the paper in 2, level with the paper in 3, and below the paper in 0" in (
        summarize_verdicts(rows)
    )


def test_a_table_leaves_out_columns_that_say_nothing():
    rows = compare_to_paper([{"measure": "m", "measured": 0.5, "split": "test", "seed": None}])
    assert list(drop_empty_columns(rows)) == ["measure", "measured", "split"]


def test_an_axis_of_few_values_has_those_and_no_others():
    table = pd.DataFrame(
        {
            "layers": [2, 3, 3, 2, 3, 2],
            "kind": list("aabbab"),
            "cka": np.linspace(0, 1, 6),
            "cca": np.linspace(1, 0, 6),
        }
    )
    axes = plot_parallel_coordinates(table, list(table)).data[0].dimensions
    assert axes[0].tickvals == (2, 3) and axes[1].ticktext == ("a", "b")
    assert axes[2].tickvals is None


def test_a_report_chooses_clips_from_the_first_to_the_last():
    assert sample_evenly(list(range(75)), 3) == [0, 25, 50]
    assert sample_evenly([1, 2], 3) == [1, 2]


def test_traits_of_clips_whose_sound_is_known():
    rate = 44_100
    time = np.arange(4 * rate) / rate
    struck = np.zeros_like(time)
    for start in np.arange(8) * rate // 2 + rate // 4:  # two a second
        struck[start:][: rate // 5] += np.sin(2 * np.pi * 200 * time[: rate // 5]) * np.exp(
            -20 * time[: rate // 5]
        )
    clips = {
        "tone": 0.1 * np.sin(2 * np.pi * 440 * time),
        "noise": 0.1 * np.random.default_rng(0).normal(size=len(time)),
        "struck": struck,
    }
    found = {name: measure_descriptors(np.stack([x, x], axis=1), rate) for name, x in clips.items()}
    assert found["tone"]["loudness"] == pytest.approx(20 * np.log10(0.1 / 2**0.5), abs=0.01)
    assert found["tone"]["register"] == pytest.approx(np.log2(440), abs=0.03)
    assert found["noise"]["noise"] == pytest.approx(0, abs=0.1) and found["tone"]["noise"] < -60
    assert found["noise"]["brightness"] == pytest.approx(np.log2(0.95 * 16_000), abs=0.02)
    assert found["struck"]["pace"] == 2 and found["tone"]["pace"] == 0.25
    assert found["tone"]["fullness"] == 1 and 0.2 < found["struck"]["fullness"] < 0.5


def test_a_space_made_of_one_trait_goes_by_that_trait():
    measured = pd.DataFrame({"pace": np.arange(8.0), "noise": RNG.normal(size=8), "still": 1.0})
    angle = np.linspace(0, 1, 8)  # cosine distance grows with the difference
    found = correlate_descriptors(measured, {"x": np.stack([np.cos(angle), np.sin(angle)], axis=1)})
    found = found.set_index("trait")["x"]
    assert found["pace"] > 0.95 and abs(found["noise"]) < 0.6
    assert np.isnan(found["still"])


def test_completion_says_what_code_misses_of_the_sound():
    rows = pd.DataFrame(
        {
            "scenario": "bass",
            "trait": ["pace", "noise", "register"],
            "trained ear": [0.1, 0.7, 0.3],
            "unseen ear": [0.2, 0.1, 0.6],
            "raw": 0.0,
            "aligned": [0.8, 0.2, 0.3],
        }
    )
    (told,) = describe_descriptor_influence(rows, {"trained ear": "aisfx", "unseen ear": "log-mel"})
    assert "aisfx hears candidates apart as they differ in noise (0.70) and register" in told
    assert "heeds noise too little (0.20" in told and "and pace too much (0.80" in told
