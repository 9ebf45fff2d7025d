"""Search for disagreement pairs: a planted pair is found, saved and printed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core import encoders
from core.alignment import AlignmentConfig, ProjectionHeads
from core.cli import main
from core.corpus import Corpus
from core.corpus.disagreement_pair_storage import load_disagreement_pairs
from core.errors import EarshotError
from core.pipeline.disagreement_search import find_disagreeing_program_pairs
from core.programs import Program
from core.search.aligned_corpus import open_aligned_corpus
from core.search.corpus_encoder_records import EncoderRecord
from core.sonicpi import Clip, RenderResult

CODE, AUDIO = "sentence-transformers/all-MiniLM-L6-v2", "aisfx"
COUNT = 40
TWINS = (3, 17)  # programs with equal code and opposite audio


@pytest.fixture
def corpus(empty_workspace: Path) -> Corpus:
    rng = np.random.default_rng(0)
    corpus = Corpus.create("tiny", seconds=0.1)
    programs = [Program(f"play {n}\n", f"p{n:02d}", "t", "melody", {}, 0) for n in range(COUNT)]
    corpus.add_programs(programs)
    program_ids = [program.id for program in programs]
    for program_id in program_ids:
        samples = rng.uniform(-0.5, 0.5, (4410, 2)).astype(np.float32)
        corpus.store_render_result(program_id, RenderResult(Clip(samples)), 0.1)
    encoder_records = {}
    for modality, encoder in (("code", CODE), ("audio", AUDIO)):
        spec = encoders.find_encoder_spec(encoder)
        vectors = rng.normal(size=(COUNT, spec.dim)).astype(np.float32)
        if modality == "code":
            vectors[TWINS[1]] = vectors[TWINS[0]] + 1e-3
        else:
            vectors[TWINS[1]] = -vectors[TWINS[0]]
        corpus.store_embeddings(encoder, spec.revision, program_ids, vectors)
        encoder_records[modality] = EncoderRecord.build_record_of_installed_encoder(
            encoder, spec.dim
        ).to_dict()
    config = AlignmentConfig(width=16, dim=8, layers=2)
    heads = ProjectionHeads(encoder_records["code"]["dim"], encoder_records["audio"]["dim"], config)
    settings = {
        "alignment": config.to_dict(),
        "encoders": encoder_records,
        "corpus": {"name": "tiny", "split_seed": 0},
        "split": {"programs": {}, "unseen_templates": []},
        "versions": {},
    }
    history = pd.DataFrame({"epoch": [1], "loss": [0.0]})
    corpus.save_alignment(settings, heads.get_tensors_to_save(), {"readings": []}, history)
    return corpus


def test_the_planted_pair_comes_first_and_all_pairs_are_saved(corpus: Corpus) -> None:
    assert load_disagreement_pairs(corpus.load_newest_alignment()) is None
    pairs = find_disagreeing_program_pairs(
        open_aligned_corpus(Corpus.open("tiny")), pairs_per_kind=6
    )
    pd.testing.assert_frame_equal(load_disagreement_pairs(corpus.load_newest_alignment()), pairs)
    all_ids = list(corpus.load_programs()["program"])
    for space in ("before", "after"):
        pair = pairs[(pairs["space"] == space) & (pairs["kind"] == "written alike")].iloc[0]
        assert (pair["first"], pair["second"]) == tuple(all_ids[n] for n in TWINS)
        assert pair["code_before"] < 1e-3 and pair["code_after"] < 1e-2
        assert pair["sound"] == pytest.approx(2, abs=1e-3)
        assert pair["code_share"] < 0.01 and pair["sound_share"] > 0.99
    groups = pairs.groupby(["space", "kind"])
    assert set(groups.size()) == {6}
    for (_, kind), group_pairs in groups:
        assert (
            len(set(group_pairs["first"]) | set(group_pairs["second"])) == 12
        )  # no program occurs twice
        gap = group_pairs["sound_share"] - group_pairs["code_share"]
        assert (gap.diff().dropna() * (-1 if kind == "written alike" else 1) >= -1e-12).all()


def test_the_command_names_the_programs(corpus: Corpus, capsys: pytest.CaptureFixture) -> None:
    assert main(["compare", "tiny"]) == 0
    output = capsys.readouterr().out
    assert "p03" in output and "p17" in output


def test_a_damaged_table_is_reported_and_can_be_computed_again(corpus: Corpus) -> None:
    record = corpus.load_newest_alignment()
    (record.path / "pairs.parquet").write_bytes(b"no table")
    with pytest.raises(EarshotError, match="cannot be read"):
        load_disagreement_pairs(record)
    find_disagreeing_program_pairs(open_aligned_corpus(Corpus.open("tiny")))
    assert len(load_disagreement_pairs(record))
