"""Older names of commands, options and values still work, each with a notice on stderr."""

from __future__ import annotations

import pytest

from core import cli
from core.alignment.config import JOINT_OBJECTIVES, PRESETS
from core.cli.commands import train_alignment
from core.cli.legacy_argument_translation import translate_renamed_arguments
from core.corpus.legacy_command_names import add_older_json_keys

OLDER_NAMES = [
    (
        ["build", "beats", "--finish"],
        ["build", "beats", "--resume"],
        ["--finish is now --resume"],
    ),
    (
        ["build", "beats", "--composed=3"],
        ["build", "beats", "--grammar-programs=3"],
        ["--composed is now --grammar-programs"],
    ),
    (
        ["generate", "--composed", "3"],
        ["generate", "--grammar-programs", "3"],
        ["--composed is now --grammar-programs"],
    ),
    (
        ["import", "beats", "table.csv", "--vectors", "code", "--as", "mine"],
        ["import", "beats", "table.csv", "--vectors", "code", "--name", "mine"],
        ["--as is now --name"],
    ),
    (
        ["train", "beats", "--method", "foretell", "--penalty", "3", "--kept-mean=0"],
        ["train", "beats", "--method", "kernel-ridge", "--l2", "3", "--mean-fraction=0"],
        [
            "--method foretell is now --method kernel-ridge",
            "--penalty is now --l2",
            "--kept-mean is now --mean-fraction",
        ],
    ),
    (
        ["train", "beats", "--objective=weighted"],
        ["train", "beats", "--objective=weighted-infonce"],
        ["--objective=weighted is now --objective=weighted-infonce"],
    ),
    (
        ["sweep", "beats", "--grid", "trade"],
        ["sweep", "beats", "--grid", "tradeoff"],
        ["--grid trade is now --grid tradeoff"],
    ),
    (["jobs", "again", "7"], ["jobs", "restart", "7"], ["jobs again is now jobs restart"]),
    (
        ["jobs", "--json", "again", "7"],
        ["jobs", "--json", "restart", "7"],
        ["--json again is now --json restart"],
    ),
]


@pytest.mark.parametrize(("argv", "expected", "changes"), OLDER_NAMES)
def test_older_names_are_translated_with_one_notice_each(
    argv: list[str], expected: list[str], changes: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert translate_renamed_arguments(argv) == expected
    notices = capsys.readouterr().err.splitlines()
    assert notices == [
        f"{change}; the old name works until the next version." for change in changes
    ]
    cli.build_command_parser(expected[0]).parse_args(expected[1:])


@pytest.mark.parametrize("argv", [argv for _, argv, _ in OLDER_NAMES])
def test_new_names_are_not_changed(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert translate_renamed_arguments(argv) == argv
    assert capsys.readouterr().err == ""


def test_older_names_are_not_listed_in_the_help() -> None:
    for argv, _, _ in OLDER_NAMES:
        options = cli.build_command_parser(argv[0])._option_string_actions
        assert not {"--finish", "--composed", "--as", "--penalty", "--kept-mean"} & set(options)


def test_the_older_presets_train_with_the_same_config() -> None:
    older = {"earshot": "soft_infonce", "paper": "infonce", "foretell": "kernel_ridge"}
    assert set(older.values()) == set(PRESETS) - set(JOINT_OBJECTIVES)  # newer than the names
    parser = cli.build_command_parser("train")
    for old, new in older.items():
        translated = translate_renamed_arguments(["train", "beats", "--method", old])
        config = train_alignment.build_config_from_args(parser.parse_args(translated[1:]))
        assert config == train_alignment.build_config_from_args(
            parser.parse_args(["beats", "--method", new])
        )


def test_a_command_with_an_older_name_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["jobs", "again"]) == 1
    err = capsys.readouterr().err
    assert "jobs again is now jobs restart; the old name works until the next version.\n" in err
    assert "./run jobs restart ID" in err


def test_json_output_has_the_older_keys_too() -> None:
    row = {"corpus_name": "beats", "faults": [{"kind": "missing", "program_id": "p1"}]}
    assert add_older_json_keys("check", row) == {
        "corpus_name": "beats",
        "corpus": "beats",
        "faults": [{"kind": "missing", "program_id": "p1", "program": "p1"}],
    }
    assert add_older_json_keys("map", row) == row
