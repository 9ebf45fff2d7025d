"""Which programs the study of foretelling asks about, and which clips it searches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from core.corpus import Corpus
from core.errors import EarshotError
from core.programs.grammar.styles import GRAMMAR_TEMPLATE_PREFIX
from core.programs.decoding import decode_source
from core.progress import Progress
from core.studies.study_clips import render_study_clips

VALIDATION_QUERIES, EXAMPLE_QUERIES = "validation", "examples"
SONICPI_EXAMPLES_FOLDER = Path("/usr/share/sonic-pi/examples")
INSTALL_HINT = "Debian's sonic-pi-server brings them: sudo apt-get install sonic-pi-server"
TEMPLATE_QUERY_KIND, STYLE_QUERY_KIND = "held-out templates", "held-out styles"
HOLDOUT_INTERVAL = 4  # one template and one style in so many are held out for validation
MIN_BASE_CLIPS = 20  # clips to search, and programs to ask about, with which a share says anything
MAX_QUERIES_PER_KIND = 150  # programs asked about of each kind in a validation
MAX_QUERY_FILES, MAX_FILE_BYTES = 500, 200_000  # of a folder, of a file


@dataclass(frozen=True)
class QuerySet:
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


def load_query_set(corpus: Corpus, query_source: str, encoder_ids: Sequence[str], progress: Progress) -> QuerySet:
    """The programs of "validation", "examples" or a folder, and what is searched for them.

    Of the corpus those count that have a clip and are embedded by all of these encoders.

    Raises
    ------
    EarshotError
        When the corpus holds too little, or there are no such programs.
    """
    programs = corpus.load_programs()
    programs = programs[programs["state"] == "ok"]
    for encoder in encoder_ids:
        programs = programs[programs["program"].isin(corpus.load_embeddings(encoder)[0])]
    found = _hold_out_queries(corpus, programs) if query_source == VALIDATION_QUERIES else None
    found = found or _load_file_queries(corpus, programs, query_source, progress)
    if len(found.base) < MIN_BASE_CLIPS:
        raise EarshotError(
            f"Corpus '{corpus.name}' has {len(found.base)} clips to search; {MIN_BASE_CLIPS} are needed.",
            remedy=f"To add programs: ./run build {corpus.name} --per-template 8",
        )
    return found


def _hold_out_queries(corpus: Corpus, programs: pd.DataFrame) -> QuerySet:
    """Hold whole templates and whole styles out: nothing like them is searched or trained on."""
    styles = programs["template"].str.startswith(GRAMMAR_TEMPLATE_PREFIX)
    parts = []
    for kind, of_kind in ((TEMPLATE_QUERY_KIND, programs[~styles]), (STYLE_QUERY_KIND, programs[styles])):
        names = sorted(of_kind["template"].unique())
        held = of_kind[of_kind["template"].isin(names[HOLDOUT_INTERVAL - 1 :: HOLDOUT_INTERVAL])]
        parts.append(held.assign(kind=kind))
    held = pd.concat(parts)
    if held.empty:
        raise EarshotError(
            f"Corpus '{corpus.name}' has {programs['template'].nunique()} templates and styles;"
            f" {HOLDOUT_INTERVAL} of a kind are needed to hold one out.",
            remedy=f"To add programs: ./run build {corpus.name} --per-template 8 --grammar-programs 100",
        )
    queries = pd.concat([part.iloc[_select_evenly_spaced(len(part))] for part in parts])
    return QuerySet(programs[~programs["program"].isin(held["program"])], queries)


def _select_evenly_spaced(count: int) -> np.ndarray:
    """At most `MOST` places from first to last."""
    return np.unique(np.linspace(0, count - 1, min(count, MAX_QUERIES_PER_KIND)).round().astype(int))


def _load_file_queries(corpus: Corpus, programs: pd.DataFrame, query_source: str, progress: Progress) -> QuerySet:
    """Programs from files, with their own clips, rendered where they aren't there yet."""
    shipped = query_source == EXAMPLE_QUERIES
    folder = SONICPI_EXAMPLES_FOLDER if shipped else Path(query_source).expanduser()
    files = sorted(path for path in folder.rglob("*.rb") if path.is_file())
    if not files:
        raise EarshotError(
            "There are no programs (*.rb).",
            where=str(folder),
            remedy=INSTALL_HINT if shipped else "Give validation, examples, or a folder of programs.",
        )
    if len(files) > MAX_QUERY_FILES:
        raise EarshotError(
            f"There are {len(files)} programs.",
            where=str(folder),
            remedy=f"Give a folder with at most {MAX_QUERY_FILES}.",
        )
    sources, skipped = {}, []
    for path in files:
        name = str(path.relative_to(folder))
        try:
            if path.stat().st_size > MAX_FILE_BYTES:
                raise EarshotError(f"It is longer than {MAX_FILE_BYTES:,} bytes.")
            sources[name] = decode_source(path.read_bytes(), name)
        except (OSError, EarshotError) as error:
            skipped.append((name, str(error)))
    paths, failed = render_study_clips(corpus, list(sources.values()), corpus.settings["seconds"], progress)
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
    return QuerySet(programs, queries[~own], skipped)
