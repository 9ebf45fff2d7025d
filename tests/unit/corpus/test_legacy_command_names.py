"""Command lines in older words are read as today's."""

from __future__ import annotations

import pytest

from core.corpus.legacy_command_names import translate_legacy_command


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        ([], []),
        (["build", "beats", "--finish"], ["build", "beats", "--resume"]),
        (["build", "beats", "--composed=9"], ["build", "beats", "--grammar-programs=9"]),
        (["import", "vectors.csv", "--as", "mine"], ["import", "vectors.csv", "--name", "mine"]),
        (["train", "paper", "--method", "paper"], ["train", "paper", "--method", "infonce"]),
        (["train", "a", "--objective=soft"], ["train", "a", "--objective=soft-infonce"]),
        (["train", "a", "--whiten", "64"], ["train", "a", "--whitening-components", "64"]),
        (["train", "a", "--no-standardise"], ["train", "a", "--no-standardise"]),
        (["sweep", "a", "--grid", "trade"], ["sweep", "a", "--grid", "tradeoff"]),
        (["sweep", "a", "--grid", "paper"], ["sweep", "a", "--grid", "paper"]),
        (["study", "--json", "foretelling", "a"], ["study", "--json", "retrieval", "a"]),
        (
            ["study", "foretelling", "foretelling", "--ways", "told", "--judge", "log-mel"],
            [
                "study",
                "retrieval",
                "foretelling",
                "--methods",
                "baselines",
                "--eval-encoder",
                "log-mel",
            ],
        ),
        (["jobs", "again", "00012-build"], ["jobs", "restart", "00012-build"]),
        (["build", "--", "--finish"], ["build", "--", "--finish"]),
        (["check", "soft", "--repair"], ["check", "soft", "--repair"]),
    ],
)
def test_an_old_command_line_becomes_todays(argv: list[str], expected: list[str]):
    assert translate_legacy_command(argv) == expected
    assert translate_legacy_command(expected) == expected
