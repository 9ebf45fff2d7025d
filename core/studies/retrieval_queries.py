"""Which programs the study of foretelling asks about, and which clips it searches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from core.corpus import Corpus
from core.errors import EarshotError
from core.programs.grammar.styles import PREFIX
from core.programs.decoding import decoded
from core.progress import Progress
from core.studies.study_clips import clips_of

VALIDATION, EXAMPLES = "validation", "examples"
EXAMPLES_FOLDER = Path("/usr/share/sonic-pi/examples")
INSTALL = "Debian's sonic-pi-server brings them: sudo apt-get install sonic-pi-server"
TEMPLATES, STYLES = "held-out templates", "held-out styles"
EACH = 4  # one template and one style in so many are held out for validation
FEWEST = 20  # clips to search, and programs to ask about, with which a share says anything
MOST = 150  # programs asked about of each kind in a validation
MOST_FILES, MOST_BYTES = 500, 200_000  # of a folder, of a file


@dataclass(frozen=True)
class Asked:
    """What is searched, and what is asked.

    Attributes
    ----------
    base : DataFrame
        Programs with clips that can be found: as of `Corpus.programs`.
    queries : DataFrame
        "name", "source", "audio" (its own clip) and "kind" of each; "program" where it is one
        of the corpus.
    skipped : list of (str, str)
        Programs that can't be asked about, and why.
    """

    base: pd.DataFrame
    queries: pd.DataFrame
    skipped: list[tuple[str, str]] = field(default_factory=list)


def asked(corpus: Corpus, which: str, encoders: Sequence[str], progress: Progress) -> Asked:
    """The programs of "validation", "examples" or a folder, and what is searched for them.

    Of the corpus those count that have a clip and are embedded by all of these encoders.

    Raises
    ------
    EarshotError
        When the corpus holds too little, or there are no such programs.
    """
    programs = corpus.programs()
    programs = programs[programs["state"] == "ok"]
    for encoder in encoders:
        programs = programs[programs["program"].isin(corpus.embeddings(encoder)[0])]
    found = _held_out(corpus, programs) if which == VALIDATION else None
    found = found or _from_files(corpus, programs, which, progress)
    if len(found.base) < FEWEST:
        raise EarshotError(
            f"Corpus '{corpus.name}' has {len(found.base)} clips to search; {FEWEST} are needed.",
            remedy=f"To add programs: ./run build {corpus.name} --per-template 8",
        )
    return found


def _held_out(corpus: Corpus, programs: pd.DataFrame) -> Asked:
    """Hold whole templates and whole styles out: nothing like them is searched or trained on."""
    styles = programs["template"].str.startswith(PREFIX)
    parts = []
    for kind, of_kind in ((TEMPLATES, programs[~styles]), (STYLES, programs[styles])):
        names = sorted(of_kind["template"].unique())
        held = of_kind[of_kind["template"].isin(names[EACH - 1 :: EACH])]
        parts.append(held.assign(kind=kind))
    held = pd.concat(parts)
    if held.empty:
        raise EarshotError(
            f"Corpus '{corpus.name}' has {programs['template'].nunique()} templates and styles;"
            f" {EACH} of a kind are needed to hold one out.",
            remedy=f"To add programs: ./run build {corpus.name} --per-template 8 --composed 100",
        )
    queries = pd.concat([part.iloc[_spread(len(part))] for part in parts])
    return Asked(programs[~programs["program"].isin(held["program"])], queries)


def _spread(count: int) -> np.ndarray:
    """At most `MOST` places from first to last."""
    return np.unique(np.linspace(0, count - 1, min(count, MOST)).round().astype(int))


def _from_files(corpus: Corpus, programs: pd.DataFrame, which: str, progress: Progress) -> Asked:
    """Programs from files, with their own clips, rendered where they aren't there yet."""
    shipped = which == EXAMPLES
    folder = EXAMPLES_FOLDER if shipped else Path(which).expanduser()
    files = sorted(path for path in folder.rglob("*.rb") if path.is_file())
    if not files:
        raise EarshotError(
            "There are no programs (*.rb).",
            where=str(folder),
            remedy=INSTALL if shipped else "Give validation, examples, or a folder of programs.",
        )
    if len(files) > MOST_FILES:
        raise EarshotError(
            f"There are {len(files)} programs.",
            where=str(folder),
            remedy=f"Give a folder with at most {MOST_FILES}.",
        )
    sources, skipped = {}, []
    for path in files:
        name = str(path.relative_to(folder))
        try:
            if path.stat().st_size > MOST_BYTES:
                raise EarshotError(f"It is longer than {MOST_BYTES:,} bytes.")
            sources[name] = decoded(path.read_bytes(), name)
        except (OSError, EarshotError) as error:
            skipped.append((name, str(error)))
    paths, failed = clips_of(corpus, list(sources.values()), corpus.settings["seconds"], progress)
    names = list(sources)
    skipped += [(names[place], why) for place, why in sorted(failed.items())]
    queries = pd.DataFrame(
        {
            "name": names,
            "source": list(sources.values()),
            "audio": paths,
            "kind": "Sonic Pi's examples" if shipped else "programs of the folder",
        }
    )
    queries = queries[queries["audio"].notna()]
    # A program that the corpus holds itself would be found as its own neighbour.
    own = queries["source"].isin(set(programs["source"]))
    skipped += [(name, "The corpus holds this very program.") for name in queries[own]["name"]]
    if own.all():
        raise EarshotError(
            f"None of {len(files)} programs can be asked about: {skipped[0][1] if skipped else ''}",
            where=str(folder),
        )
    return Asked(programs, queries[~own], skipped)
