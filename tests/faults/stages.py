"""Commands of every stage on a small corpus, in an order in which each has its inputs."""

from __future__ import annotations

from pathlib import Path

CORPUS_NAME = "tiny"
CODE_ENCODER, SECOND_CODE_ENCODER, AUDIO_ENCODER = "sonicpi", "score", "log-mel"
TEMPLATES = ("02_1_beeps", "02_3_synths")
PROGRAMS_PER_TEMPLATE = 8
PROGRAM_COUNT = PROGRAMS_PER_TEMPLATE * len(TEMPLATES)
BUILD = [
    "build",
    CORPUS_NAME,
    "--templates",
    *TEMPLATES,
    "--per-template",
    str(PROGRAMS_PER_TEMPLATE),
    "--seconds",
    "0.5",
    "--workers",
    "2",
    "--code-encoder",
    CODE_ENCODER,
    "--audio-encoder",
    AUDIO_ENCODER,
]
SONGS_FOLDER, EXPORT_FILE = "songs", "tiny.zip"
# "{}" stands for the workspace.
STAGES = {
    "build": BUILD,
    "import": ["import", CORPUS_NAME, f"{{}}/{SONGS_FOLDER}", "--licence", "CC0"],
    "embed": ["embed", CORPUS_NAME, "--code-encoder", SECOND_CODE_ENCODER],
    "train": ["train", CORPUS_NAME, "--epochs", "4", "--width", "16", "--dim", "8"],
    "map": ["map", CORPUS_NAME],
    "sweep": ["sweep", CORPUS_NAME, "--grid", "ablation", "--seeds", "1", "--workers", "1"],
    "export": ["export", CORPUS_NAME, "--format", "zip", "--out", f"{{}}/{EXPORT_FILE}"],
}


def build_stage_command(stage: str, workspace: Path) -> list[str]:
    """Build the command line of a stage for a workspace."""
    return [argument.replace("{}", str(workspace)) for argument in STAGES[stage]]


def write_songs(workspace: Path) -> None:
    """Write the programs that the stage "import" imports."""
    folder = workspace / SONGS_FOLDER
    folder.mkdir(parents=True)
    for number in range(4):
        (folder / f"song-{number}.rb").write_text(f"play {60 + number}\nsleep 0.1\n")
