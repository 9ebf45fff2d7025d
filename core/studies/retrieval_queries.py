"""Query sets of the snippet-retrieval study: the queries and the base that is searched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from core.alignment.sound_property_regression_with_intervals import select_evenly_spaced_rows
from core.corpus import Corpus
from core.errors import EarshotError
from core.programs.grammar.music_styles import GRAMMAR_TEMPLATE_PREFIX
from core.programs.source_decoding import decode_source
from core.progress_callback import Progress
from core.studies.study_clip_rendering import render_study_clips

VALIDATION_QUERIES, EXAMPLE_QUERIES = "validation", "examples"
SONICPI_EXAMPLES_FOLDER = Path("/usr/share/sonic-pi/examples")
INSTALL_HINT = "Debian's sonic-pi-server contains them: sudo apt-get install sonic-pi-server"
TEMPLATE_QUERY_KIND, STYLE_QUERY_KIND = "held-out templates", "held-out grammar styles"
HOLDOUT_INTERVAL = 4  # every 4th template and every 4th grammar style is held out
MIN_BASE_CLIPS = 20  # clips below which a score has no meaning
MAX_QUERIES_PER_KIND = 150
MAX_QUERY_FILES, MAX_FILE_BYTES = 500, 200_000


@dataclass(frozen=True)
class QuerySet:
    """Queries, and the base of programs whose clips can be retrieved for them.

    Attributes
    ----------
    base : DataFrame
        Programs with clips: columns as in `Corpus.load_programs`.
    queries : DataFrame
        "name", "source", "audio" (the program's own clip) and "kind"; also "program" where the
        queries are programs of the corpus.
    skipped : list of (str, str)
        Programs that cannot be queries, each with the reason.
    """

    base: pd.DataFrame
    queries: pd.DataFrame
    skipped: list[tuple[str, str]] = field(default_factory=list)

    def list_base_and_query_sources(self) -> tuple[list[str], list[str]]:
        """Return the sources of the base and of the queries."""
        return list(self.base["source"]), list(self.queries["source"])


def load_query_set(
    corpus: Corpus, query_source: str, encoder_ids: Sequence[str], progress: Progress
) -> QuerySet:
    """Load the queries and the base that is searched for them.

    Parameters
    ----------
    corpus : Corpus
    query_source : str
        "validation", "examples" or a folder of programs.
    encoder_ids : sequence of str
        The base has only programs with embeddings by all of these encoders.
    progress : Progress

    Raises
    ------
    EarshotError
        When the corpus has too few clips, or there are no such programs.
    """
    programs = corpus.load_programs()
    programs = programs[programs["state"] == "ok"]
    for encoder_id in encoder_ids:
        programs = programs[programs["program"].isin(corpus.load_embeddings(encoder_id)[0])]
    if query_source == VALIDATION_QUERIES:
        query_set = _hold_out_queries(corpus, programs)
    else:
        query_set = _load_file_queries(corpus, programs, query_source, progress)
    if len(query_set.base) < MIN_BASE_CLIPS:
        raise EarshotError(
            f"Corpus '{corpus.name}' has {len(query_set.base)} clips to search;"
            f" {MIN_BASE_CLIPS} are needed.",
            remedy=f"To add programs: ./run build {corpus.name} --per-template 8",
        )
    return query_set


def _hold_out_queries(corpus: Corpus, programs: pd.DataFrame) -> QuerySet:
    """Hold out whole templates and whole grammar styles, so the base has nothing like them."""
    is_grammar = programs["template"].str.startswith(GRAMMAR_TEMPLATE_PREFIX)
    held_out_parts = []
    for kind, candidates in (
        (TEMPLATE_QUERY_KIND, programs[~is_grammar]),
        (STYLE_QUERY_KIND, programs[is_grammar]),
    ):
        templates = sorted(candidates["template"].unique())
        held_out_templates = templates[HOLDOUT_INTERVAL - 1 :: HOLDOUT_INTERVAL]
        held_out = candidates[candidates["template"].isin(held_out_templates)]
        held_out_parts.append(held_out.assign(kind=kind))
    if all(part.empty for part in held_out_parts):
        raise EarshotError(
            f"Corpus '{corpus.name}' has {programs['template'].nunique()} templates and grammar"
            f" styles; {HOLDOUT_INTERVAL} of a kind are needed to hold one out.",
            remedy=f"To add programs: ./run build {corpus.name} --per-template 8"
            " --grammar-programs 100",
        )
    held_out_ids = pd.concat(held_out_parts)["program"]
    queries = pd.concat(
        [
            part.iloc[select_evenly_spaced_rows(len(part), MAX_QUERIES_PER_KIND)]
            for part in held_out_parts
        ]
    )
    return QuerySet(programs[~programs["program"].isin(held_out_ids)], queries)


def _load_file_queries(
    corpus: Corpus, programs: pd.DataFrame, query_source: str, progress: Progress
) -> QuerySet:
    """Load queries from files and render their own clips."""
    are_examples = query_source == EXAMPLE_QUERIES
    folder = SONICPI_EXAMPLES_FOLDER if are_examples else Path(query_source).expanduser()
    files = _list_program_files(folder, are_examples)
    sources, skipped = _read_source_files(files, folder)
    names = list(sources)
    paths, failures = render_study_clips(
        corpus, list(sources.values()), corpus.settings["seconds"], progress
    )
    skipped += [(names[index], reason) for index, reason in sorted(failures.items())]
    queries = pd.DataFrame(
        {
            "name": names,
            "source": list(sources.values()),
            "audio": paths,
            "kind": "Sonic Pi's examples" if are_examples else "programs of the folder",
        }
    )
    queries = queries[queries["audio"].notna()]
    # A program of the corpus would retrieve itself.
    is_in_corpus = queries["source"].isin(set(programs["source"]))
    skipped += [
        (name, "The corpus holds this very program.") for name in queries[is_in_corpus]["name"]
    ]
    if is_in_corpus.all():
        raise EarshotError(
            f"None of {len(files)} programs can be a query: {skipped[0][1] if skipped else ''}",
            where=str(folder),
        )
    return QuerySet(programs, queries[~is_in_corpus], skipped)


def _list_program_files(folder: Path, are_examples: bool) -> list[Path]:
    files = sorted(path for path in folder.rglob("*.rb") if path.is_file())
    if not files:
        remedy = "Give validation, examples, or a folder of programs."
        raise EarshotError(
            "There are no programs (*.rb).",
            where=str(folder),
            remedy=INSTALL_HINT if are_examples else remedy,
        )
    if len(files) > MAX_QUERY_FILES:
        raise EarshotError(
            f"There are {len(files)} programs.",
            where=str(folder),
            remedy=f"Give a folder with at most {MAX_QUERY_FILES}.",
        )
    return files


def _read_source_files(
    files: Sequence[Path], folder: Path
) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Return sources by name, and the files that cannot be read with the reason."""
    sources: dict[str, str] = {}
    skipped = []
    for path in files:
        name = str(path.relative_to(folder))
        try:
            if path.stat().st_size > MAX_FILE_BYTES:
                raise EarshotError(f"It is longer than {MAX_FILE_BYTES:,} bytes.")
            sources[name] = decode_source(path.read_bytes(), name)
        except (OSError, EarshotError) as error:
            skipped.append((name, str(error)))
    return sources, skipped
