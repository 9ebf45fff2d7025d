"""The command line: what is understood, what is refused, and in which words."""

import io
import json
import os
import re
import subprocess
import sys

import pytest

from core import cli, workspace
from core.cli import parsing


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.delenv("EARSHOT_JOB", raising=False)


def earshot(*argv: str, **options) -> subprocess.CompletedProcess:
    """Run a command as ./run does."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "core", *argv],
        env={**os.environ, "PYTHONPATH": str(workspace.PROJECT_FOLDER)},
        capture_output=True,
        text=True,
        timeout=120,
        **options,
    )


@pytest.fixture
def told(capsys, monkeypatch: pytest.MonkeyPatch):
    """Run a command in this process; returns its exit status, stdout and stderr."""

    def run(*argv: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"play 60")))
        try:
            status = cli.main(argv)
        except SystemExit as end:
            status = end.code
        return status, *capsys.readouterr()

    return run


def test_the_overview_lists_every_command():
    done = earshot("--help")
    assert done.returncode == 0 and done.stderr == ""
    assert re.findall(r"^    (\w+)  +\S", done.stdout, re.MULTILINE) == list(cli.COMMANDS)


def test_the_launcher_lists_every_command():
    done = subprocess.run(
        [workspace.PROJECT_FOLDER / "run", "--help"], capture_output=True, text=True, check=True
    )
    listed = re.findall(r"^    ([a-z]+) ", done.stdout, re.MULTILINE)
    assert listed == list(cli.COMMANDS)
    launched = re.search(r"^COMMANDS=\((.*)\)$", (workspace.PROJECT_FOLDER / "run").read_text(), re.M)
    assert launched[1].split() == list(cli.COMMANDS)


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_explains_itself(name, capsys):
    with pytest.raises(SystemExit) as end:
        cli.main([name, "--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith(f"usage: ./run {name}")
    assert cli.format_overview().count(f"    {name} ") == 1


def test_help_imports_none_of_the_heavy_packages():
    heavy = ("torch", "numpy", "pandas", "transformers", "streamlit", "soundfile", "umap")
    script = (
        "import sys; from core import cli\n"
        "for name in cli.COMMANDS:\n"
        "    cli.parser_for(name).format_help()\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(workspace.PROJECT_FOLDER)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"


def test_a_mistyped_command_is_answered_with_the_likely_one():
    done = earshot("bild", "beats")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no command 'bild'" in done.stderr and "Did you mean build" in done.stderr


def test_a_mistyped_option_is_answered_with_the_likely_one():
    done = earshot("neighbours", "beats", "--snippet", "x.rb", "--jsn")
    assert done.returncode == 2
    assert "no option --jsn" in done.stderr and "--json" in done.stderr


def test_an_option_is_not_understood_by_its_beginning(told):
    # Or its meaning would change as soon as another one begins alike.
    assert told("build", "beats", "--per", "3")[0] == 2


@pytest.mark.parametrize(
    "argv",
    [
        ("build",),
        ("build", "beats", "--per-template", "-1"),
        ("build", "beats", "--per-template", "many"),
        ("render", "x.rb", "--seconds", "nan"),
        ("render", "x.rb", "--seconds", "0"),
        ("neighbours", "beats"),
        ("jobs", "folow", "1"),
    ],
)
def test_what_is_not_understood_ends_with_status_2_and_where_help_is(argv, told):
    status, out, err = told(*argv)
    assert (status, out) == (2, "")
    assert f"./run {argv[0]} --help" in err


def test_a_build_of_nothing_is_refused(told, tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path))
    status, out, err = told("build", "beats", "--per-template", "0")
    assert (status, out) == (1, "") and "--finish" in err
    assert not (tmp_path / "corpora").exists()


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("generate", "02_1_bepes", "--count", "1"), "02_1_beeps"),
        (("neighbours", "../etc", "--snippet", "-"), "../etc"),
        (("neighbours", "beats", "--snippet", "nowhere.rb"), "nowhere.rb"),
        (("train", "beats", "--config", "nowhere.json"), "nowhere.json"),
        (("evaluate", "nowhere"), "nowhere"),
        (("jobs", "follow", "7"), "7"),
        (("jobs", "cancel"), "./run jobs"),
    ],
)
def test_what_cannot_be_done_is_one_message(argv, words, told):
    status, out, err = told(*argv)
    assert (status, out) == (1, "")
    assert words in err
    assert len(err.strip().splitlines()) <= 2


def test_an_error_for_the_user_comes_without_a_traceback():
    done = earshot("evaluate", "nowhere")
    assert done.returncode == 1
    assert "nowhere" in done.stderr and "Traceback" not in done.stderr


def test_programs_are_written_and_told_as_json(tmp_path):
    out = tmp_path / "made here"
    argv = ("generate", "02_1_beeps", "--count", "3", "--seed", "5", "--out", str(out), "--json")
    first = earshot(*argv)
    assert first.returncode == 0, first.stderr
    rows = [json.loads(line) for line in first.stdout.splitlines()]
    assert len(rows) == len(list(out.glob("*.rb"))) == 3
    assert {row["template"] for row in rows} == {"02_1_beeps"}
    assert {row["file"] for row in rows} == {str(file) for file in out.glob("*.rb")}
    assert earshot(*argv).stdout == first.stdout


def test_another_program_is_not_written_over(tmp_path):
    argv = ("generate", "02_1_beeps", "--out", str(tmp_path))
    assert earshot(*argv, "--seed", "1").returncode == 0
    before = {file: file.read_bytes() for file in tmp_path.glob("*.rb")}
    done = earshot(*argv, "--seed", "2")
    assert done.returncode == 1 and "lies there already" in done.stderr
    assert {file: file.read_bytes() for file in tmp_path.glob("*.rb")} == before


def test_paths_are_relative_to_where_the_person_is(tmp_path):
    assert earshot("generate", "02_1_beeps", "--out", "x", cwd=tmp_path).returncode == 0
    assert len(list((tmp_path / "x").glob("*.rb"))) == 1


def test_without_a_template_generate_lists_them():
    done = earshot("generate")
    assert done.returncode == 0 and "02_1_beeps" in done.stdout


def test_a_reader_that_has_seen_enough_is_no_error():
    done = subprocess.run(
        f"'{sys.executable}' -P -m core generate --json | head -n 1",
        shell=True,
        env={**os.environ, "PYTHONPATH": str(workspace.PROJECT_FOLDER)},
        capture_output=True,
        text=True,
    )
    assert len(done.stdout.splitlines()) == 1 and done.stderr == ""


def test_another_pipe_that_breaks_is_no_reader_that_left(monkeypatch: pytest.MonkeyPatch):
    def broken(name, arguments):
        raise BrokenPipeError("a worker's pipe")

    monkeypatch.setattr(cli, "_run_command", broken)
    with pytest.raises(BrokenPipeError, match="a worker's pipe"):
        cli.main(["doctor"])


def test_no_jobs_is_said_so():
    assert "no jobs" in earshot("jobs").stdout
    assert earshot("jobs", "--json").stdout == ""


def test_what_is_near_is_named_and_otherwise_all():
    assert parsing.suggest_matches("trian", cli.COMMANDS, "command") == "Did you mean train?"
    assert parsing.suggest_matches("xyz", ["a", "b"], "thing") == "The things are: a, b."


@pytest.mark.parametrize(
    ("options", "field", "value"),
    [
        ((), "temperature", None),
        (("--temperature", "0.2"), "temperature", 0.2),
        (("--config", "FILE"), "temperature", 0.3),
        (("--config", "FILE", "--temperature", "0.4"), "temperature", 0.4),
        (("--config", "FILE", "--temperature", "0.4"), "epochs", 7),
        (("--no-standardise",), "standardise", False),
    ],
)
def test_options_go_before_the_file_and_the_file_before_defaults(tmp_path, options, field, value):
    from core.alignment import AlignmentConfig
    from core.cli.commands import train

    file = tmp_path / "config.json"
    file.write_text('{"temperature": 0.3, "epochs": 7}')
    argv = ["beats", *(str(file) if option == "FILE" else option for option in options)]
    config = train.build_config(cli.build_parser("train").parse_args(argv))
    wanted = getattr(AlignmentConfig(), field) if value is None else value
    assert getattr(config, field) == wanted


@pytest.mark.parametrize("text", ["{", "[]", '{"temperatur": 1}', '{"temperature": 99}'])
def test_a_config_that_is_no_config_is_refused(tmp_path, text, told):
    (tmp_path / "config.json").write_text(text)
    status, out, err = told("train", "beats", "--config", str(tmp_path / "config.json"))
    assert (status, out) == (1, "") and "config" in err
