"""Do clips found by code alone foretell the sound of programs that no template made?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from core.alignment import AlignmentConfig
from core.studies.experiments.finetune import Tuning
from core.corpus import Corpus
from core.errors import EarshotError
from core.evaluation.bootstrap import bootstrap_interval
from core.evaluation.metrics import foretold
from core.evaluation.neighbours import top_k
from core.evaluation.calibration import LEVELS, RIGHT, each_foretold, level, signs
from core.progress import Progress
from core.search.loaded_alignment import chosen_encoders
from core.pipeline.embed import embed
from core.studies import options as option
from core.studies.retrieval_figures import each_query, shares
from core.studies.retrieval import Finder, Found, K
from core.studies.retrieval_fitting import lessons
from core.studies.retrieval_context import Material
from core.studies.retrieval_queries import EXAMPLES, VALIDATION, Asked, asked
from core.studies.retrieval_methods import MLP, RAW, SONICPI, WAYS, Way
from core.studies.study_clips import sound_vectors
from core.studies.result import Figure, Heard, StudyResult, Table, beside
from core.studies.store import in_workspace
from core.search.confidence import Taught, calibrated

NAME = "foretelling"
TITLE = "Programs that no template made"
QUESTION = "Do the clips found by code alone foretell what any snippet will sound like?"
OPTIONS = option.OF["foretelling"]
STEP = "Foretelling"
HEARD = 40  # queries that can be heard
FEWEST_TAUGHT = 20  # programs embedded by an encoder, for heads to be trained on it
SURE = (
    "Learnt on templates and styles held out of the clips searched, without these programs. said:"
    " the mean probability; right: the share that is at least half foretold, on each program's own"
    " scale; share: the mean of that."
)
TIMES = (
    "fit seconds: processor time of teaching, programs rewritten or rendered for it included for"
    " the first way that takes them."
    " answer ms: from a program to its neighbours, its embedding included."
)
SCALE = (
    "Foretold share at k = 5: cosine of a program's clip and those found for it, on a scale where"
    " the mean over all clips searched is 0 and the 5 truly nearest are 1."
)


def run(corpus: Corpus, options: Mapping[str, Any], progress: Progress) -> StudyResult:
    """Ask every query of the same clips in several ways, and let two audio encoders judge."""
    ways_asked, which, seed = options["ways"], options["queries"], options["seed"]
    _check(ways_asked, which)
    code, audio = chosen_encoders(corpus, options["code_encoder"], options["audio_encoder"])
    judges = list(dict.fromkeys((audio, options["judge"])))
    _embed(corpus, judges, progress)
    ways = WAYS[ways_asked](code)
    material = asked(corpus, which, [code, SONICPI, *judges], progress)
    enough = _enough(corpus, len(material.base))
    left_out = [way for way in ways if not enough(way)]
    ways = [way for way in ways if way not in left_out]

    heard = {ear: corpus.embeddings(ear, list(material.base["program"]))[1] for ear in judges}
    truth = {ear: _heard(corpus, ear, material.queries, progress) for ear in judges}
    given = Material(corpus, material, audio, heard[audio], seed, progress)
    finder, found = Finder(given), {}
    for done, way in enumerate(ways):
        progress(STEP, done, len(ways), way.name)
        found[way] = finder.find(way)
    progress(STEP, len(ways), len(ways))

    nearest = {ear: top_k(truth[ear], heard[ear], K)[0] for ear in judges}
    rows = {way.name: each.rows for way, each in found.items()}
    # The judge's own nearest are 1 by it; by another judge they show what can be hoped for.
    rows[f"truly nearest by {audio}"] = nearest[audio]
    took = {way.name: (each.fit_seconds, each.answer_ms) for way, each in found.items()}
    scored = {
        (name, ear): foretold(each, truth[ear], heard[ear])
        for name, each in rows.items()
        for ear in judges
    }
    table = _table(scored, took, audio, seed)
    raw, ours = _the_two(ways, code)
    each, clips = _each(
        material, rows[ours.name], nearest[audio], scored[raw.name, audio], scored[ours.name, audio]
    )
    kinds = _kinds(scored, material.queries["kind"].to_numpy())
    sure = _sureness(ours, given, found[ours], truth[audio])
    return StudyResult(
        compared=_compared(table, which, seed),
        tables=[
            Table("shares", "Every way to find neighbours", table, f"{SCALE} {TIMES}"),
            Table("kinds", "By kind of program", kinds, SCALE),
            Table(
                "sureness",
                f"How sure {ours.name} said to be, and how often it was right",
                sure,
                SURE,
            ),
            Table("queries", f"Each program, foretold by {ours.name}", each, SCALE),
            Table(
                "skipped",
                "Programs that could not be asked about",
                pd.DataFrame(material.skipped, columns=["program", "why"]),
            ),
        ],
        figures=[
            Figure("shares", "Every way to find neighbours", shares(table), SCALE),
            Figure(
                "queries",
                "Each program",
                each_query(each),
                "Click a point to hear the program, then what was foretold of it.",
                hears="queries",
            ),
        ],
        clips=clips,
        notes=[*_notes(given, table, (raw, ours), judges, left_out, which, code), *_said(sure)],
        settings={
            "encoders": {"code": code, "audio": audio},
            "judges": judges,
            "k": K,
            "queries": which,
            "seed": seed,
            "ways": {way.name: _described(way) for way in ways},
        },
    )


def _sureness(way: Way, given: Material, found: Found, truth: np.ndarray) -> pd.DataFrame:
    """How sure it would have said to be, learnt without the queries, and what was so."""
    known, own = given.views(way.code)
    _, stops = lessons(way, given)
    learnt = calibrated(
        Taught(known, given.heard, stops),
        list(given.asked.base["template"]),
        way.config,
        given.progress,
    )
    columns = ["level", "queries", "said", "right", "share"]
    if learnt is None:
        return pd.DataFrame(columns=columns)
    nearest = top_k(own, known, 1)[1][:, 0]
    said = learnt.probability(signs(given.heard[found.rows], found.similarities, nearest))
    shares_of = each_foretold(found.rows, truth, given.heard)
    levels = np.array([level(probability) for probability in said])
    rows = [
        (
            each,
            int(own.sum()),
            said[own].mean(),
            (shares_of[own] >= RIGHT).mean(),
            shares_of[own].mean(),
        )
        for each in LEVELS
        if (own := levels == each).any()
    ]
    return pd.DataFrame(rows, columns=columns)


def _said(sure: pd.DataFrame) -> list[str]:
    if sure.empty:
        return ["There are too few templates and styles to learn how sure a foretelling is."]
    parts = [
        f"{row['level']}: {row['queries']} programs, right {row['right']:.0%}, expected"
        f" {row['said']:.0%}"
        for row in sure.to_dict("records")
    ]
    return [
        f"How sure it said to be: {'; '.join(parts)}. Right: at least half as near as the truly"
        " nearest."
    ]


def _check(ways: str, which: str) -> None:
    if ways not in WAYS:
        raise EarshotError(f"There are no ways {ways!r}.", remedy=f"Give {', '.join(WAYS)}.")
    if ways != "told" and which != VALIDATION:
        raise EarshotError(
            "These are for choosing, and choosing is done on validation programs only.",
            remedy="Leave out --queries, or --ways.",
        )


def _embed(corpus: Corpus, judges: Sequence[str], progress: Progress) -> None:
    """See that the corpus was embedded by what reads code and by every judge."""
    there = {name for name, _, count in corpus.encoders() if count}
    if SONICPI not in there:
        embed(corpus.name, SONICPI, None, progress)
    for judge in judges:
        if judge not in there:
            embed(corpus.name, None, judge, progress)


def _heard(corpus: Corpus, ear: str, queries: pd.DataFrame, progress: Progress) -> np.ndarray:
    if "program" in queries:
        return corpus.embeddings(ear, list(queries["program"]))[1]
    return sound_vectors(ear, list(queries["audio"]), progress)


def _the_two(ways: Sequence[Way], code: str) -> tuple[Way, Way]:
    """Raw code, and ours: whichever way scores best, it is these that are told of."""
    raw = next(way for way in ways if way.method == RAW)
    return raw, next(way for way in ways if way.ours)


def _table(scored: Mapping, took: Mapping, audio: str, seed: int) -> pd.DataFrame:
    rows = []
    for (name, ear), share in scored.items():
        low, high = bootstrap_interval(share, seed=seed)
        fit, answer = took.get(name, (np.nan, np.nan))
        rows.append(
            {
                "way": name,
                "judge": ear,
                "trained on": ear == audio,
                "share": float(share.mean()),
                "low": low,
                "high": high,
                "queries": len(share),
                "fit seconds": fit,
                "answer ms": answer,
            }
        )
    return pd.DataFrame(rows)


def _kinds(scored: Mapping, kinds: np.ndarray) -> pd.DataFrame:
    rows = [
        {
            "way": name,
            "judge": ear,
            "kind": kind,
            "share": float(share[kinds == kind].mean()),
            "queries": int((kinds == kind).sum()),
        }
        for (name, ear), share in scored.items()
        for kind in dict.fromkeys(kinds)
    ]
    return pd.DataFrame(rows)


def _compared(table: pd.DataFrame, which: str, seed: int) -> pd.DataFrame:
    return beside(
        [
            {
                "measure": f"Foretold share, {row['way']}, judged by {row['judge']}",
                "measured": row["share"],
                "low": row["low"],
                "high": row["high"],
                "split": which,
                "seed": seed,
            }
            for row in table.to_dict("records")
        ]
    )


def _each(
    material: Asked, found: np.ndarray, nearest: np.ndarray, raw: np.ndarray, ours: np.ndarray
) -> tuple[pd.DataFrame, list[Heard]]:
    """A row a query with what was foretold for it and what is true, and clips to hear."""
    names, paths = material.base["name"].to_numpy(), material.base["audio"].to_numpy()
    sources = material.base["source"].to_numpy()
    queries = material.queries
    heard = [
        [in_workspace(path) for path in (own, *paths[rows])]
        for own, rows in zip(queries["audio"], found)
    ]
    table = pd.DataFrame(
        {
            "program": queries["name"].to_numpy(),
            "kind": queries["kind"].to_numpy(),
            "ours": ours,
            "raw": raw,
            "foretold": [", ".join(names[rows]) for rows in found],
            "truly nearest": [", ".join(names[rows]) for rows in nearest],
            "of these foretold": [len(set(a) & set(b)) for a, b in zip(found, nearest)],
            "clips": ["|".join(each) for each in heard],
        }
    )
    step = max(1, len(queries) // HEARD)
    clips = [
        Heard(
            f"{query['name']}: {share:.2f}",
            tuple(parts),
            ("the program itself", *names[rows]),
            (query["source"], *sources[rows]),
            note="The truth, then what was foretold.",
        )
        for (_, query), rows, share, parts in zip(queries.iterrows(), found, ours, heard)
    ][::step]
    return table, clips


def _notes(given, table, two, judges, left_out, which, code) -> list[str]:
    corpus, material = given.corpus, given.asked
    raw, ours = two
    shares_of = table.set_index(["way", "judge"])["share"]
    told_of = "; ".join(
        f"{shares_of[ours.name, judge]:.2f} judged by {judge}, where raw code reaches"
        f" {shares_of[raw.name, judge]:.2f}"
        for judge in judges
    )
    notes = [
        f"Ours ({ours.name}): {told_of}.",
        SCALE,
        f"{len(material.queries)} programs asked about, {len(material.base)} clips searched;"
        f" {len(material.skipped)} programs had no clip of their own to be judged by.",
    ]
    if len(judges) > 1:
        notes.append(
            f"{judges[0]} is the encoder that heads are trained on; {judges[1]} was never"
            " seen in training."
        )
    if which == EXAMPLES:
        notes.append(
            "These programs are a test: nothing was chosen by them. While the reader of"
            " code was written, they were among the programs that it was seen to read"
            " without error."
        )
    if which == VALIDATION:
        notes.append(
            "Whole templates and whole styles are held out: none of their programs is"
            " searched or trained on."
        )
    notes += [
        f"By {name} only {count} of the {len(material.base)} programs are embedded: no more"
        " can teach."
        for name, count in given.partly()
    ]
    lacking = {part for way in left_out for part in way.encoders()} - {SONICPI, code}
    notes += [
        f"Left out is what takes {part}: ./run embed {corpus.name} --code-encoder {part}"
        for part in sorted(lacking)
    ]
    return notes


def _enough(corpus: Corpus, searched: int) -> Callable[[Way], bool]:
    """Whether a way's encoders have embedded enough: some to be taught, a network all."""
    there = {name: count for name, _, count in corpus.encoders()}

    def enough(way: Way) -> bool:
        least = searched if way.method == MLP else FEWEST_TAUGHT
        return all(there.get(part, 0) >= min(least, searched) for part in way.encoders())

    return enough


def _described(way: Way) -> dict[str, Any]:
    """A way's settings, in types that JSON has."""
    told = {name: value for name, value in vars(way).items() if name != "name"}
    for name, value in told.items():
        if isinstance(value, AlignmentConfig):
            told[name] = value.to_dict()
        elif isinstance(value, Tuning):
            told[name] = asdict(value)
    return told | {"parts": [part.name for part in way.parts]}
