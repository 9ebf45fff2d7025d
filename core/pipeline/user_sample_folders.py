"""Folders of own samples that the programs of a corpus may read when they are rendered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

from core import workspace
from core.corpus import Corpus
from core.errors import EarshotError

SAMPLE_FOLDERS_KEY = "sample_folders"
"""Key of the folders among a corpus's settings."""
SAMPLE_SUFFIXES = (".wav", ".wave", ".aif", ".aiff", ".flac", ".ogg", ".oga", ".mp3")
MAX_SEARCHED_FILES = 5_000
"""Files among which a sample is looked for: a wrong folder may hold millions."""


def set_corpus_sample_folders(corpus: Corpus, folders: Sequence[str | Path]) -> None:
    """Store the folders of own samples that later builds of a corpus let programs read.

    With other folders than before, the next build renders again the programs that failed or did
    not find a sample.

    Parameters
    ----------
    corpus : Corpus
    folders : sequence of str or Path
        Paths on this machine, "~" for the home folder. They replace earlier ones.

    Raises
    ------
    EarshotError
        When a folder does not exist, has no sound files, or is as broad as the home folder.
    """
    paths = list(dict.fromkeys(str(validate_sample_folder(folder)) for folder in folders))
    if paths == (corpus.settings.get(SAMPLE_FOLDERS_KEY) or []):
        return
    corpus.set_corpus_setting(SAMPLE_FOLDERS_KEY, paths)
    corpus.discard_renders_that_lack_samples()


def list_corpus_sample_folders(corpus: Corpus) -> tuple[Path, ...]:
    """Return the folders of own samples of a corpus, whether or not they are still there."""
    return tuple(Path(folder) for folder in corpus.settings.get(SAMPLE_FOLDERS_KEY) or [])


def load_corpus_sample_folders(corpus: Corpus) -> tuple[Path, ...]:
    """Return the folders of own samples of a corpus.

    Raises
    ------
    EarshotError
        When one of them is not there any more.
    """
    folders = list_corpus_sample_folders(corpus)
    for folder in folders:
        if not folder.is_dir():
            raise EarshotError(
                f"The sample folder of corpus '{corpus.name}' is not there.",
                where=str(folder),
                remedy="Put it back, or choose another: Samples on the page Corpus, or"
                " ./run import with another --sample-folder.",
            )
    return folders


def validate_sample_folder(folder: str | Path) -> Path:
    """Return the absolute path of a folder of samples.

    Raises
    ------
    EarshotError
        As `set_corpus_sample_folders`.
    """
    path = Path(folder).expanduser()
    if not path.is_absolute():
        path = Path.cwd() / path
    path = path.resolve()
    if not path.is_dir():
        reason = "This is a file, not a folder" if path.exists() else "There is no such folder"
        raise EarshotError(
            f"{reason} of samples.",
            where=str(folder),
            remedy="Give the full path of a folder on the machine that runs Earshot.",
        )
    # Programs can read everything in the folder, so it must not hold more than samples.
    private_folders = (Path.home().resolve(), workspace.get_workspace_root().resolve())
    if any(private.is_relative_to(path) for private in private_folders):
        raise EarshotError(
            "This folder holds far more than samples.",
            where=str(path),
            remedy="Give the folder that contains only the samples.",
        )
    if not any(
        file.suffix.lower() in SAMPLE_SUFFIXES for file in _iterate_limited_number_of_files(path)
    ):
        raise EarshotError(
            f"There are no samples in this folder ({', '.join(SAMPLE_SUFFIXES)}).", where=str(path)
        )
    return path


def _iterate_limited_number_of_files(folder: Path) -> Iterable[Path]:
    return islice(folder.rglob("*"), MAX_SEARCHED_FILES)
