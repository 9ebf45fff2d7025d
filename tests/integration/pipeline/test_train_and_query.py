"""Training, evaluation, map and queries of a corpus on disk.

Programs are embedded by real encoders that need no download. Their clips are synthesised here and
not by Sonic Pi, because these tests begin where a corpus has clips.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from core.alignment import AlignmentConfig
from core.corpus import Corpus
from core.corpus.program_split_assignment import LEGACY_SPLIT_RULE, SPLIT_RULE_KEY
from core.errors import EarshotError
from core.pipeline import embed_missing_programs_and_clips
from core.pipeline.alignment_map_computation import compute_and_save_alignment_map
from core.pipeline.evaluate_alignment_on_held_out_programs import evaluate_alignment
from core.pipeline.import_embeddings import import_external_embeddings
from core.pipeline.train_and_evaluate_alignment import train
from core.programs import Program
from core.search import aligned_corpus
from core.search.aligned_corpus import AlignedCorpus, open_aligned_corpus
from core.search.embedded_corpus import open_embedded_corpus
from core.search.nearest_neighbour_queries import find_neighbours, find_program_neighbours
from core.sonicpi import Clip, RenderResult

CODE, AUDIO, HELD_OUT_AUDIO = "sentence-transformers/all-MiniLM-L6-v2", "log-mel", "aisfx"
# All fields, so that the thresholds below stay valid when defaults change.
CONFIG = AlignmentConfig(
    objective="infonce",
    cka_weight=0.0,
    width=64,
    dim=16,
    dropout=0.1,
    input_dropout=0.0,
    standardise=True,
    learning_rate=3e-3,
    weight_decay=1e-2,
    epochs=40,
    patience=0,
    precision="fp32",
    device="cpu",
)
SECONDS = 0.5
VOICES = {"low": (1.0, 40), "high": (1.0, 88), "buzz": (0.1, 52), "noise": (9.0, 64)}
SYNTHS = {"low": "sine", "high": "pluck", "buzz": "tb303", "noise": "noise"}
PROGRAMS_PER_VOICE = 14


@pytest.fixture(scope="module", autouse=True)
def workspace(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setenv("EARSHOT_WORKSPACE", str(tmp_path_factory.mktemp("workspace")))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    patch.undo()


def make_program(voice: str, number: int) -> Program:
    note, release = VOICES[voice][1] + number, 0.05 + 0.04 * number
    return Program(
        source=f"use_synth :{SYNTHS[voice]}\nplay {note}, release: {release:.2f}\n",
        name=f"{voice}-{number:04d}",
        template=voice,
        role="melody",
        parameters={"note": note, "release": release},
        seed=1,
    )


def make_tone_clip(voice: str, number: int) -> Clip:
    """A decaying tone of the program's note, pure, buzzing or noisy."""
    shape, lowest = VOICES[voice]
    time = np.arange(round(SECONDS * 44_100)) / 44_100
    wave = np.sin(2 * np.pi * 440 * 2 ** ((lowest + number - 69) / 12) * time)
    if shape < 1:
        wave = np.tanh(wave / shape)
    if shape > 1:
        wave = wave + np.random.default_rng(number).normal(size=len(time))
    wave = 0.2 * wave * np.exp(-time / (0.05 + 0.04 * number))
    return Clip(np.repeat(wave[:, None], 2, axis=1).astype(np.float32))


def make_corpus(
    name: str,
    voices=tuple(VOICES),
    programs_per_voice: int = PROGRAMS_PER_VOICE,
    embedded: bool = True,
) -> Corpus:
    corpus = Corpus.create(name, seconds=SECONDS)
    # Rule 1 deals programs evenly, so that each split of so small a corpus has some.
    corpus.set_corpus_setting(SPLIT_RULE_KEY, LEGACY_SPLIT_RULE)
    programs = {(v, i): make_program(v, i) for v in voices for i in range(programs_per_voice)}
    corpus.add_programs(programs.values())
    for (voice, number), program in programs.items():
        corpus.store_render_result(program.id, RenderResult(make_tone_clip(voice, number)), SECONDS)
    corpus.set_corpus_setting("encoders", {"code": CODE, "audio": AUDIO})
    if embedded:
        embed_missing_programs_and_clips.embed_corpus(Corpus.open(name))
    return corpus


def pivot_metrics(metrics: pd.DataFrame) -> pd.DataFrame:
    """Values on the test split: one row per metric, one column per reading."""
    test = metrics[metrics["split"] == "test"]
    return test.pivot(index="metric", columns="reading", values="value")


def open_alignment(corpus_name: str, alignment_id: str | None = None) -> AlignedCorpus:
    return open_aligned_corpus(Corpus.open(corpus_name), alignment_id)


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return make_corpus("tones")


@pytest.fixture(scope="module")
def progress_calls() -> list:
    return []


@pytest.fixture(scope="module")
def record(corpus: Corpus, progress_calls: list):
    return train(Corpus.open("tones"), CONFIG, lambda *call: progress_calls.append(call)).record


class TestTrain:
    def test_progress_reports_every_epoch_with_its_metrics(self, record, progress_calls: list):
        for step, done, total, *rest in progress_calls:
            assert 0 <= done <= total and step in ("Training", "Evaluating", "Computing the map")
            json.dumps(rest, allow_nan=False)
        epochs = [call[4] for call in progress_calls if call[0] == "Training" and len(call) > 4]
        assert [row["epoch"] for row in epochs] == list(range(1, 41))
        assert {"loss", "validation_loss", "cka", "recall_at_1"} <= set(epochs[0])
        for step in ("Training", "Evaluating", "Computing the map"):
            last = [call for call in progress_calls if call[0] == step][-1]
            assert last[1] == last[2], f"{step} never reaches its total"

    def test_the_record_holds_everything_that_made_the_alignment(self, record, corpus: Corpus):
        assert AlignmentConfig.from_dict(record.config["alignment"]) == CONFIG
        assert record.config["encoders"]["code"]["id"] == CODE
        assert record.config["encoders"]["audio"] == {
            "id": AUDIO,
            "revision": record.config["encoders"]["audio"]["revision"],
            "dim": 192,
        }
        counts = record.config["split"]["programs"]
        assert sum(counts.values()) == len(VOICES) * PROGRAMS_PER_VOICE and counts["test"] > 4
        assert torch.__version__.startswith(record.config["versions"]["torch"])
        assert len(record.load_training_history()) == 40
        assert record.metrics["stopped"] == "epochs"
        assert len(record.load_alignment_map_points()) == 2 * len(
            corpus.load_embedding_pairs(CODE, AUDIO)
        )

    def test_aligned_code_is_closer_to_raw_audio_than_raw_code(self, record):
        test = pivot_metrics(evaluate_alignment(open_alignment("tones", record.id)))
        metrics_before, against_raw = test["before"], test["aligned code ~ raw audio"]
        for metric in ("cka", "spearman", "pearson", "normalized_similarity@5"):
            assert against_raw[metric] > metrics_before[metric], metric

    def test_training_is_deterministic(self, record):
        repeated = train(Corpus.open("tones"), CONFIG).record
        assert repeated.id != record.id
        heads = [(r.path / "heads.safetensors").read_bytes() for r in (record, repeated)]
        assert heads[0] == heads[1]
        pd.testing.assert_frame_equal(
            record.load_alignment_map_points(),
            repeated.load_alignment_map_points(),
            check_exact=True,
        )
        assert record.metrics == repeated.metrics

    def test_templates_can_be_held_out(self, record):
        aligned_corpus = train(
            Corpus.open("tones"), replace(CONFIG, epochs=3), unseen_templates=["buzz"]
        )
        splits = aligned_corpus.record.config["split"]
        assert splits["unseen_templates"] == ["buzz"]
        assert splits["programs"]["unseen templates"] == PROGRAMS_PER_VOICE
        table = evaluate_alignment(aligned_corpus)
        unseen = table[table["split"] == "unseen templates"]
        assert set(unseen["programs"]) == {PROGRAMS_PER_VOICE} and unseen["value"].notna().all()
        whole = record.config["split"]["programs"]
        assert splits["programs"]["train"] < whole["train"]
        drawn = [
            train(Corpus.open("tones"), replace(CONFIG, epochs=1), unseen_templates=2)
            for _ in range(2)
        ]
        names = [trained.record.config["split"]["unseen_templates"] for trained in drawn]
        assert names[0] == names[1] and len(set(names[0])) == 2
        with pytest.raises(EarshotError, match="5 templates can't be held out"):
            train(Corpus.open("tones"), CONFIG, unseen_templates=5)
        with pytest.raises(EarshotError, match="no program of template 'bell'"):
            train(Corpus.open("tones"), CONFIG, unseen_templates=["bell"])
        with pytest.raises(EarshotError, match="0 programs to train on"):
            train(Corpus.open("tones"), CONFIG, unseen_templates=list(VOICES))


class TestEvaluate:
    def test_every_split_has_all_readings(self, record):
        table = evaluate_alignment(open_alignment("tones", record.id))
        readings = {"before", "aligned code ~ aligned audio", "aligned code ~ raw audio"}
        readings_by_split = table.groupby("split")["reading"].agg(set)
        assert readings_by_split.to_dict() == {"validation": readings, "test": readings}
        assert not table.duplicated(["metric", "split", "reading"]).any()

    def test_saved_metrics_are_returned_until_the_corpus_changes(self, record):
        metrics = evaluate_alignment(open_alignment("tones", record.id))
        rows = pd.DataFrame(record.metrics["readings"]).astype(
            {"value": float, "low": float, "high": float}
        )
        pd.testing.assert_frame_equal(metrics, rows, check_dtype=False)
        corpus = make_corpus("changing", ("low", "high"))
        metrics_before = evaluate_alignment(train(corpus, replace(CONFIG, epochs=2)))
        corpus.add_programs([make_program("noise", i) for i in range(PROGRAMS_PER_VOICE)])
        for number in range(PROGRAMS_PER_VOICE):
            corpus.store_render_result(
                make_program("noise", number).id,
                RenderResult(make_tone_clip("noise", number)),
                SECONDS,
            )
        embed_missing_programs_and_clips.embed_corpus(corpus)
        metrics_after = evaluate_alignment(open_alignment("changing"))
        assert (metrics_after["programs"].to_numpy() > metrics_before["programs"].to_numpy()).all()

    def test_an_alignment_carried_to_another_corpus_is_not_judged_on_its_training_programs(self):
        corpus = make_corpus("origin", ("low", "high"))
        record = train(corpus, replace(CONFIG, epochs=2)).record
        other = make_corpus("grown", ("low", "high", "noise"))
        # Older corpora can hold the same programs in other splits.
        with other._database.open_write_transaction("test") as connection:
            connection.execute("UPDATE programs SET split = 'test' WHERE split = 'train'")
        carried = other.path / "alignments" / record.id
        shutil.copytree(record.path, carried)
        aligned_corpus = open_alignment("grown", record.id)
        trained = Corpus.open("origin").load_programs().set_index("program")["split"]
        splits = pd.Series(aligned_corpus.splits, aligned_corpus.pairs.program_ids)
        assert splits[trained.index].equals(trained)
        assert aligned_corpus.count_relabelled_programs() == (trained == "train").sum()
        table = evaluate_alignment(aligned_corpus)
        test_count = table[table["split"] == "test"]["programs"].iloc[0]
        assert test_count == (splits == "test").sum() < 3 * PROGRAMS_PER_VOICE

        kept_ids = set(trained.index[trained != "test"])
        removed = [(key,) for key in other.load_programs()["program"] if key not in kept_ids]
        with other._database.open_write_transaction("test") as connection:
            for table_name in ("clips", "embeddings"):
                connection.executemany(
                    f"DELETE FROM {table_name} WHERE program ="
                    " (SELECT position FROM programs WHERE id = ?)",
                    removed,
                )
        with pytest.raises(EarshotError, match="All test programs of corpus 'grown' took part"):
            evaluate_alignment(open_alignment("grown", record.id))

        carried.rename(carried.with_name("my-best"))
        with pytest.raises(EarshotError, match="Ignored, because .*: my-best"):
            Corpus.open("grown").load_alignment(record.id)
        faults = [str(fault) for fault in Corpus.open("grown").find_corpus_faults()]
        assert any("alignments/my-best: the folder is ignored" in fault for fault in faults)

    def test_held_out_audio_encoders_add_readings(self):
        corpus = make_corpus("ears", ("low", "high", "noise"))
        ids = corpus.load_embedding_pairs(CODE, AUDIO).program_ids
        embed_missing_programs_and_clips.embed_corpus(
            Corpus.open("ears"), audio_encoder=HELD_OUT_AUDIO
        )
        record = train(corpus, replace(CONFIG, epochs=2)).record
        assert record.config["encoders"]["audio"]["id"] == AUDIO
        readings = set(evaluate_alignment(open_alignment("ears", record.id))["reading"])
        assert {
            f"before, audio encoder {HELD_OUT_AUDIO}",
            f"aligned code ~ raw audio, audio encoder {HELD_OUT_AUDIO}",
        } <= readings
        assert len(ids) == 3 * PROGRAMS_PER_VOICE


class TestMap:
    def test_a_map_is_reproducible_and_saved(self, record, corpus: Corpus):
        points = compute_and_save_alignment_map(open_alignment("tones", record.id))
        pd.testing.assert_frame_equal(
            points, corpus.load_alignment_map_points(record.id), check_dtype=False
        )
        pd.testing.assert_frame_equal(points, record.load_alignment_map_points(), check_dtype=False)

    def test_a_map_has_code_and_audio_of_every_program(self, record, corpus: Corpus):
        points = record.load_alignment_map_points()
        ids = corpus.load_embedding_pairs(CODE, AUDIO).program_ids
        assert list(points["program"]) == ids * 2
        assert list(points["modality"]) == ["code"] * len(ids) + ["audio"] * len(ids)
        numbers = points.drop(columns=["program", "modality"])
        assert np.isfinite(numbers.to_numpy()).all()
        assert points["similarity"].between(-1, 1).all()
        assert points["overlap_after"].between(0, 1).all()


class TestNeighbours:
    def test_an_unseen_snippet_finds_clips_of_its_voice(self, record):
        correct_count = 0
        for voice in VOICES:
            snippet = f"use_synth :{SYNTHS[voice]}\nplay {VOICES[voice][1] + 3.5}, release: 0.2\n"
            neighbours = find_neighbours(open_alignment("tones", record.id), snippet, k=5)
            assert [neighbour.rank for neighbour in neighbours] == [1, 2, 3, 4, 5]
            similarities = [neighbour.similarity for neighbour in neighbours]
            assert similarities == sorted(similarities, reverse=True)
            correct_count += sum(neighbour.template == voice for neighbour in neighbours)
            for neighbour in neighbours:
                assert (
                    f":{SYNTHS[neighbour.template]}" in neighbour.source
                    and neighbour.audio_path.endswith(".flac")
                )
        assert correct_count >= 12  # of 20; by chance 5

    def test_neighbours_are_found_in_all_four_directions(self, record, corpus: Corpus):
        program = make_program("high", 4)
        for direction in ("code->audio", "audio->code", "code->code", "audio->audio"):
            neighbours = find_program_neighbours(
                open_alignment("tones"), program.id, k=4, direction=direction
            )
            assert len(neighbours) == 4 and program.id not in [
                neighbour.program_id for neighbour in neighbours
            ]
        own = find_neighbours(open_alignment("tones"), program.source, k=1, direction="code->code")[
            0
        ]
        assert own.program_id == program.id and own.similarity == pytest.approx(1, abs=1e-3)

    def test_neighbours_equal_those_of_a_brute_force_search(self, record, corpus: Corpus):
        pairs = corpus.load_embedding_pairs(CODE, AUDIO)
        row = 7
        audio = pairs.audio_embeddings / np.linalg.norm(
            pairs.audio_embeddings, axis=1, keepdims=True
        )
        order = [i for i in np.argsort(-(audio @ audio[row]), kind="stable") if i != row][:6]
        neighbours = find_program_neighbours(
            open_alignment("tones"), pairs.program_ids[row], k=6, direction="audio->audio"
        )
        assert [neighbour.program_id for neighbour in neighbours] == [
            pairs.program_ids[i] for i in order
        ]

    def test_an_opened_alignment_stays_in_memory_until_the_corpus_changes(self):
        corpus = make_corpus("searched", ("low", "high"))
        train(Corpus.open("searched"), replace(CONFIG, epochs=1))
        open_by_key = aligned_corpus._open_aligned_corpus_by_key
        find_neighbours(open_alignment("searched"), "play 60")
        hits = open_by_key.cache_info().hits
        find_neighbours(open_alignment("searched"), "play 70")
        assert open_by_key.cache_info().hits == hits + 1
        new = make_program("noise", 1)
        corpus.add_programs([new])
        corpus.store_render_result(new.id, RenderResult(make_tone_clip("noise", 1)), SECONDS)
        embed_missing_programs_and_clips.embed_corpus(Corpus.open("searched"))
        neighbours = find_neighbours(open_alignment("searched"), new.source, k=99)
        assert new.id in [neighbour.program_id for neighbour in neighbours]

    def test_queries_within_a_modality_need_no_alignment(self):
        make_corpus("raw", ("low", "noise"), programs_per_voice=3)
        assert find_neighbours(
            open_embedded_corpus(Corpus.open("raw")),
            make_program("low", 1).source,
            k=1,
            direction="code->code",
        )
        assert find_program_neighbours(
            open_embedded_corpus(Corpus.open("raw")), make_program("low", 1).id, k=1
        )
        with pytest.raises(EarshotError, match="no alignment yet.*run train raw"):
            find_neighbours(open_embedded_corpus(Corpus.open("raw")), "play 60")

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"snippet": " \n\t"}, "snippet is empty"),
            ({"snippet": "play 60\n" * 20_000}, "160000 characters"),
            ({"k": 0}, "k is 0"),
            ({"direction": "audio->code"}, "no sound to go from"),
            ({"direction": "code->words"}, "no direction"),
            ({"alignment_id": "0009-00000000"}, "no alignment '0009-00000000'"),
            ({"corpus_name": "tone"}, "no corpus 'tone'.*tones"),
        ],
    )
    def test_an_invalid_query_is_refused(self, record, change, message):
        with pytest.raises(EarshotError, match=message):
            query = {"corpus_name": "tones", "alignment_id": None, "snippet": "play 60", **change}
            aligned_corpus = open_alignment(query.pop("corpus_name"), query.pop("alignment_id"))
            find_neighbours(aligned_corpus, **query)

    def test_a_program_without_a_clip_has_no_neighbours(self, record, corpus: Corpus):
        corpus.add_programs([make_program("low", 99)])
        with pytest.raises(EarshotError, match="low-0099 has no clip"):
            find_program_neighbours(open_alignment("tones"), make_program("low", 99).id)
        with pytest.raises(EarshotError, match="no program"):
            find_program_neighbours(open_alignment("tones"), "0" * 32)


@pytest.mark.parametrize("objective", ["joint_kernel_ridge", "whitened_joint_kernel_ridge"])
def test_a_joint_method_adds_the_simulation_to_the_code_encoder(objective: str):
    """It is refused before the programs are simulated; then snippets are predicted by both."""
    config = AlignmentConfig.from_preset(objective)
    name = objective.replace("_", "-")
    corpus = make_corpus(name)
    with pytest.raises(EarshotError, match="56 programs of corpus .* no up-to-date simul") as error:
        train(corpus, config)
    assert error.value.remedy.endswith(f"./run embed {name} --code-encoder simulation")
    embed_missing_programs_and_clips.embed_corpus(corpus, "simulation", None)
    with pytest.raises(EarshotError, match="joins a code encoder"):
        train(corpus, config, code_encoder="simulation")
    trained = train(corpus, config)
    assert trained.record.config["encoders"]["code"]["id"] == f"{CODE}+simulation"
    constants = trained.record.metrics["chosen_constants"]
    assert ("whitening_shrinkage" in constants) == objective.startswith("whitened")
    card = (trained.record.path / "README.md").read_text()
    assert f"simulation_weight {constants['simulation_weight']:g}" in card

    reopened = open_alignment(name, trained.record.id)
    code = reopened.pairs.code_embeddings
    np.testing.assert_array_equal(
        reopened.project_code_embeddings(code), trained.project_code_embeddings(code)
    )
    assert {"test", "validation"} == set(evaluate_alignment(reopened)["split"])
    neighbours = find_neighbours(reopened, "use_synth :noise\nplay 70, release: 0.3\n", k=5)
    assert len(neighbours) == 5 and all(np.isfinite(item.similarity) for item in neighbours)


class TestErrors:
    def test_an_empty_or_small_corpus_cannot_be_trained(self):
        Corpus.create("empty")
        with pytest.raises(EarshotError, match="0 programs with a clip.*run build empty"):
            train(Corpus.open("empty"), CONFIG)
        make_corpus("few", ("low",), programs_per_voice=5)
        with pytest.raises(EarshotError, match="5 programs with a clip"):
            train(Corpus.open("few"), CONFIG)
        with pytest.raises(EarshotError, match="no corpus 'nowhere'"):
            train(Corpus.open("nowhere"), CONFIG)

    def test_a_corpus_without_embeddings_names_the_command(self):
        corpus = make_corpus("deaf", ("low",), embedded=False)
        with pytest.raises(EarshotError, match=f"run embed deaf --code-encoder {CODE}"):
            train(Corpus.open("deaf"), CONFIG)
        embed_missing_programs_and_clips.embed_corpus(Corpus.open("deaf"), code_encoder=CODE)
        with pytest.raises(EarshotError, match="run embed deaf --audio-encoder log-mel"):
            train(Corpus.open("deaf"), CONFIG)
        ids = corpus.list_programs_without_embedding(AUDIO)
        from core.encoders import find_encoder_spec

        corpus.store_embeddings(
            AUDIO, find_encoder_spec(AUDIO).revision, ids[:4], np.eye(4, 192, dtype="f")
        )
        with pytest.raises(EarshotError, match="Only 4 of 14 programs.*run embed deaf"):
            train(Corpus.open("deaf"), CONFIG)

    def test_a_corpus_without_an_alignment_names_the_command(self):
        make_corpus("young", ("low",))
        for open_and_use in (evaluate_alignment, compute_and_save_alignment_map):
            with pytest.raises(EarshotError, match="run train young"):
                open_and_use(open_alignment("young"))

    def test_embeddings_of_another_revision_are_not_mixed_with_an_alignment(self):
        corpus = make_corpus("moved", ("low",))
        record = train(corpus, replace(CONFIG, epochs=1)).record
        ids, vectors = corpus.load_embeddings(CODE)
        corpus.store_embeddings(CODE, "another", ids, vectors)
        for open_and_use in (
            lambda: find_neighbours(open_alignment("moved"), "play 60"),
            lambda: evaluate_alignment(open_alignment("moved", record.id)),
            lambda: compute_and_save_alignment_map(open_alignment("moved", record.id)),
            lambda: train(Corpus.open("moved"), CONFIG),
        ):
            with pytest.raises(EarshotError, match="another revision"):
                open_and_use()

    def test_an_alignment_whose_heads_do_not_fit_is_refused(self):
        corpus = make_corpus("mixed", ("low",))
        record = train(corpus, replace(CONFIG, epochs=1)).record
        config = {**record.config, "alignment": replace(CONFIG, layers=2).to_dict()}
        invalid_id = corpus.save_alignment(
            config, record.load_projection_head_weights(), {}, record.load_training_history()
        )
        with pytest.raises(EarshotError, match="do not fit their config"):
            find_neighbours(open_alignment("mixed", invalid_id), "play 60")
        invalid_id = corpus.save_alignment(
            {}, record.load_projection_head_weights(), {}, record.load_training_history()
        )
        with pytest.raises(EarshotError, match="lacks 'alignment'"):
            evaluate_alignment(open_alignment("mixed", invalid_id))


def test_imported_vectors_train_the_same_alignment_as_their_encoder(corpus: Corpus, tmp_path):
    ids, code = corpus.load_embeddings(CODE)
    audio_ids, audio = corpus.load_embeddings(AUDIO)
    pd.DataFrame({"program": ids, "vector": list(code)}).to_parquet(tmp_path / "code.parquet")
    pd.DataFrame({"program": audio_ids, "mine": list(audio)}).to_parquet(tmp_path / "audio.parquet")
    import_external_embeddings(corpus, tmp_path / "code.parquet", "code", "mine")
    import_external_embeddings(
        corpus, tmp_path / "audio.parquet", "audio", "ears", vector_column="mine"
    )

    config = replace(CONFIG, epochs=5)
    original = train(corpus, config).record
    own = train(corpus, config, code_encoder="own/code/mine", audio_encoder="own/audio/ears")
    for name, tensor in original.load_projection_head_weights().items():
        assert torch.equal(tensor, own.record.load_projection_head_weights()[name]), name
    assert own.record.load_alignment_map_points() is not None
    neighbours = find_program_neighbours(own, ids[0], 3)
    assert len(neighbours) == 3
    with pytest.raises(EarshotError, match="Their encoder is not available"):
        find_neighbours(own, "play 60", 3)
