"""The command line: accepted and refused arguments, older names, messages and exit statuses."""

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core import __version__, cli, workspace

RunCommand = Callable[..., tuple[Any, str, str]]


@pytest.fixture(autouse=True)
def _use_temporary_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.delenv("EARSHOT_JOB", raising=False)


def run_in_process(*argv: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own, as ./run does."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "core", *argv],
        env={**os.environ, "PYTHONPATH": str(workspace.PROJECT_FOLDER)},
        capture_output=True,
        text=True,
        timeout=120,
        **options,
    )


@pytest.fixture
def run_command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> RunCommand:
    """Return a function that runs a command here and returns status, stdout and stderr."""

    def run(*argv: str) -> tuple[Any, str, str]:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"play 60")))
        try:
            status = cli.main(argv)
        except SystemExit as end:
            status = end.code
        return status, *capsys.readouterr()

    return run


def test_overview_lists_every_command() -> None:
    done = run_in_process("--help")
    assert done.returncode == 0 and done.stderr == ""
    assert re.findall(r"^    (\w+)  +\S", done.stdout, re.MULTILINE) == list(cli.COMMANDS)


def test_launcher_lists_every_command() -> None:
    done = subprocess.run(
        [workspace.PROJECT_FOLDER / "run", "--help"], capture_output=True, text=True, check=True
    )
    listed = re.findall(r"^    ([a-z]+) ", done.stdout, re.MULTILINE)
    assert listed == list(cli.COMMANDS)
    declared = re.search(
        r"^COMMANDS=\((.*?)\)$", (workspace.PROJECT_FOLDER / "run").read_text(), re.M | re.S
    )
    assert declared[1].split() == list(cli.COMMANDS)


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main([name, "--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith(f"usage: ./run {name}")
    assert cli.format_command_overview().count(f"    {name} ") == 1


def test_help_imports_no_heavy_packages() -> None:
    heavy_packages = ("torch", "numpy", "pandas", "transformers", "streamlit", "soundfile", "umap")
    script = (
        "import sys; from core import cli\n"
        "for name in cli.COMMANDS:\n"
        "    cli.build_command_parser(name).format_help()\n"
        f"print([name for name in {heavy_packages!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(workspace.PROJECT_FOLDER)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"


def test_a_mistyped_command_gets_a_suggestion() -> None:
    done = run_in_process("bild", "beats")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no command 'bild'" in done.stderr and "Did you mean build" in done.stderr


def test_a_mistyped_option_gets_a_suggestion() -> None:
    done = run_in_process("neighbours", "beats", "--snippet", "x.rb", "--jsn")
    assert done.returncode == 2
    assert "no option --jsn" in done.stderr and "--json" in done.stderr


def test_an_abbreviated_option_is_refused(run_command: RunCommand) -> None:
    # Otherwise its meaning would change when another option with the same prefix is added.
    assert run_command("build", "beats", "--per", "3")[0] == 2


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
def test_bad_arguments_exit_with_status_2_and_name_the_help(
    argv: tuple[str, ...], run_command: RunCommand
) -> None:
    status, out, err = run_command(*argv)
    assert (status, out) == (2, "")
    assert f"./run {argv[0]} --help" in err


def test_a_build_without_programs_is_refused(
    run_command: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path))
    status, out, err = run_command("build", "beats", "--per-template", "0")
    assert (status, out) == (1, "") and "--resume" in err
    assert not (tmp_path / "corpora").exists()


@pytest.mark.parametrize(
    ("argv", "part"),
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
def test_a_failure_is_one_message(
    argv: tuple[str, ...], part: str, run_command: RunCommand
) -> None:
    status, out, err = run_command(*argv)
    assert (status, out) == (1, "")
    assert part in err
    assert len(err.strip().splitlines()) <= 2


def test_a_user_error_has_no_traceback() -> None:
    done = run_in_process("evaluate", "nowhere")
    assert done.returncode == 1
    assert "nowhere" in done.stderr and "Traceback" not in done.stderr


def test_generated_programs_are_written_and_listed_as_json(tmp_path: Path) -> None:
    out = tmp_path / "generated programs"
    argv = ("generate", "02_1_beeps", "--count", "3", "--seed", "5", "--out", str(out), "--json")
    first = run_in_process(*argv)
    assert first.returncode == 0, first.stderr
    rows = [json.loads(line) for line in first.stdout.splitlines()]
    assert len(rows) == len(list(out.glob("*.rb"))) == 3
    assert {row["template"] for row in rows} == {"02_1_beeps"}
    assert {row["file"] for row in rows} == {str(file) for file in out.glob("*.rb")}
    assert run_in_process(*argv).stdout == first.stdout


def test_another_program_is_not_overwritten(tmp_path: Path) -> None:
    argv = ("generate", "02_1_beeps", "--out", str(tmp_path))
    assert run_in_process(*argv, "--seed", "1").returncode == 0
    before = {file: file.read_bytes() for file in tmp_path.glob("*.rb")}
    done = run_in_process(*argv, "--seed", "2")
    assert done.returncode == 1 and "exists with another program" in done.stderr
    assert {file: file.read_bytes() for file in tmp_path.glob("*.rb")} == before


def test_paths_are_relative_to_the_current_folder(tmp_path: Path) -> None:
    assert run_in_process("generate", "02_1_beeps", "--out", "x", cwd=tmp_path).returncode == 0
    assert len(list((tmp_path / "x").glob("*.rb"))) == 1


def test_generate_without_a_template_lists_templates() -> None:
    done = run_in_process("generate")
    assert done.returncode == 0 and "02_1_beeps" in done.stdout


def test_a_closed_output_pipe_is_no_error() -> None:
    done = subprocess.run(
        f"'{sys.executable}' -P -m core generate --json | head -n 1",
        shell=True,
        env={**os.environ, "PYTHONPATH": str(workspace.PROJECT_FOLDER)},
        capture_output=True,
        text=True,
    )
    assert len(done.stdout.splitlines()) == 1 and done.stderr == ""


def test_another_broken_pipe_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def break_pipe(command: str, arguments: list[str]) -> int:
        raise BrokenPipeError("a worker's pipe")

    monkeypatch.setattr(cli, "_run_command", break_pipe)
    with pytest.raises(BrokenPipeError, match="a worker's pipe"):
        cli.main(["doctor"])


def test_an_empty_list_of_jobs_has_a_message() -> None:
    assert "no jobs" in run_in_process("jobs").stdout
    assert run_in_process("jobs", "--json").stdout == ""


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
def test_options_override_the_file_and_the_file_overrides_defaults(
    tmp_path: Path, options: tuple[str, ...], field: str, value: float | None
) -> None:
    from core.alignment import AlignmentConfig
    from core.cli.commands import train_alignment

    file = tmp_path / "config.json"
    file.write_text('{"temperature": 0.3, "epochs": 7}')
    argv = ["beats", *(str(file) if option == "FILE" else option for option in options)]
    config = train_alignment.build_config_from_args(
        cli.build_command_parser("train").parse_args(argv)
    )
    expected = getattr(AlignmentConfig(), field) if value is None else value
    assert getattr(config, field) == expected


@pytest.mark.parametrize("text", ["{", "[]", '{"temperatur": 1}', '{"temperature": 99}'])
def test_an_invalid_config_file_is_refused(
    tmp_path: Path, text: str, run_command: RunCommand
) -> None:
    (tmp_path / "config.json").write_text(text)
    status, out, err = run_command("train", "beats", "--config", str(tmp_path / "config.json"))
    assert (status, out) == (1, "") and "config" in err


def test_version_is_that_of_the_package(run_command: RunCommand) -> None:
    assert run_command("--version") == (0, f"Earshot {__version__}\n", "")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("build", "beats", "--per-template", "many"), "'many' is not a whole number"),
        (("build", "beats", "--per-template", "-1"), "-1 is less than 0"),
        (("build", "beats", "--workers", "0"), "0 is less than 1"),
        (("build", "beats", "--seed", "1.5"), "'1.5' is not a whole number"),
        (("render", "x.rb", "--seconds", "long"), "'long' is not a number"),
        (("render", "x.rb", "--seconds", "601"), "601 is not a number of seconds above 0"),
        (("train", "beats", "--temperature", "hot"), "'hot' is not a number"),
        (("train", "beats", "--method", "mse"), "'mse' is not one of soft-infonce, kernel-ridge"),
    ],
)
def test_a_bad_value_is_described_in_plain_words(
    argv: tuple[str, ...], message: str, run_command: RunCommand
) -> None:
    status, out, err = run_command(*argv)
    assert (status, out) == (2, "")
    assert message in err
    assert "parse_" not in err and "invalid" not in err


@pytest.mark.parametrize("spelling", ["kernel-ridge", "kernel_ridge"])
def test_methods_and_objectives_accept_hyphens_and_underscores(spelling: str) -> None:
    from core.cli.commands import train_alignment

    parser = cli.build_command_parser("train")
    method_config = train_alignment.build_config_from_args(
        parser.parse_args(["beats", "--method", spelling])
    )
    assert method_config.objective == "kernel_ridge" and method_config.l2 == 0.3
    objective_config = train_alignment.build_config_from_args(
        parser.parse_args(["beats", "--objective", spelling])
    )
    assert objective_config.objective == "kernel_ridge" and objective_config.cka_weight == 1.0


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_argument_has_help(command: str) -> None:
    actions = cli.build_command_parser(command)._actions
    assert all(action.help or action.choices for action in actions)
