"""Do clips found by code alone foretell the sound of programs that no template made?"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from core.alignment import AlignmentConfig
from core.alignment import train as train_heads
from core.corpus import Corpus
from core.errors import EarshotError
from core.evaluation.foretelling import CANDIDATES, bag_of_words, nearest_by_edits
from core.evaluation.intervals import bootstrap_interval
from core.evaluation.metrics import foretold
from core.evaluation.neighbours import top_k
from core.progress import Progress
from core.stages.aligned import chosen_encoders, projected
from core.stages.studies import options as option
from core.stages.studies.rendered import clips_of, code_vectors, sound_vectors
from core.stages.studies.result import Heard, StudyResult, Table, beside
from core.stages.studies.store import in_workspace

NAME = "foretelling"
TITLE = "Programs that no template made"
QUESTION = "Do the clips found by code alone foretell what any snippet will sound like?"
EXAMPLES = Path("/usr/share/sonic-pi/examples")
INSTALL = "Debian's sonic-pi-server brings them: sudo apt-get install sonic-pi-server"
OPTIONS = (
    option.Option("queries", "validation (held-out templates), examples (Sonic Pi's own), or a"
                  " folder of programs", "validation"),
    option.CODE_ENCODER, option.AUDIO_ENCODER, option.SEED,
)  # fmt: skip
STEP = "Foretelling"
K = 5
EACH = 5  # one template in so many is held out for validation
MOST = 300  # queries of a validation
OURS = AlignmentConfig(objective="soft", input_dropout=0.5)
SCALE = (
    "Foretold share at k = 5: cosine of a program's clip and those found for it, on a scale where"
    " the mean over all clips searched is 0 and the 5 truly nearest are 1."
)


def run(corpus: Corpus, options: Mapping[str, Any], progress: Progress) -> StudyResult:
    """Ask every query of the same clips in several ways, and let every audio encoder judge."""
    code, audio = chosen_encoders(corpus, options["code_encoder"], options["audio_encoder"])
    base, queries, skipped = _sets(corpus, options["queries"], progress)
    ears = [audio] + [e for e, modality, _ in corpus.encoders() if modality == "audio" and e != audio]
    ears = [ear for ear in ears if _covers(corpus, ear, base)]
    heard = {ear: corpus.embeddings(ear, list(base["program"]))[1] for ear in ears}
    truth = {ear: _heard(corpus, ear, queries, progress) for ear in ears}
    found, costs = {}, {}
    for name, ask in _ways(corpus, code, audio, base, queries, options, heard[audio], progress):
        progress(STEP, len(found), 0, name)
        started = time.monotonic()
        found[name] = ask()
        costs[name] = time.monotonic() - started
    rows, shares = [], {}
    for ear in ears:
        # The judge's own five nearest are 1 by it; by another judge they show what can be hoped.
        by_ear = {**found, f"truly nearest by {audio}": top_k(truth[audio], heard[audio], K)[0]}
        for name, nearest in by_ear.items():
            share = foretold(nearest, truth[ear], heard[ear])
            low, high = bootstrap_interval(share, seed=options["seed"])
            shares[name, ear] = share
            rows.append({"way": name, "judge": ear, "trained on": ear == audio,
                         "share": float(share.mean()), "low": low, "high": high,
                         "queries": len(queries), "seconds": costs.get(name, np.nan)})  # fmt: skip
    table = pd.DataFrame(rows)
    compared = beside([
        {"measure": f"Foretold share, {row['way']}, judged by {row['judge']}",
         "measured": row["share"], "low": row["low"], "high": row["high"],
         "split": options["queries"], "seed": options["seed"]} for row in rows
    ])  # fmt: skip
    best = table[(table["judge"] == audio) & table["way"].isin(found)]
    best = best.sort_values("share").iloc[-1]["way"]
    each, clips = _each(base, queries, found[best], shares[best, audio])
    return StudyResult(
        compared=compared,
        tables=[Table("shares", "Every way to find neighbours", table, SCALE),
                Table("queries", f"Each program, by {best}", each, SCALE),
                Table("skipped", "Programs that could not be asked",
                      pd.DataFrame(skipped, columns=["program", "why"]))],
        clips=clips,
        notes=[SCALE, f"{len(queries)} queries, {len(base)} clips searched; {len(skipped)} programs"
               " had no clip to be judged by.", *_warning(options["queries"])],
        settings={"encoders": {"code": code, "audio": audio}, "judges": ears, "k": K,
                  "queries": options["queries"], "seed": options["seed"],
                  "config": OURS.to_dict()},
    )  # fmt: skip


def _warning(queries: str) -> list[str]:
    return ["These programs are a test: choose nothing by them."] if queries == "examples" else []


def _covers(corpus: Corpus, ear: str, base: pd.DataFrame) -> bool:
    return set(base["program"]) <= set(corpus.embeddings(ear)[0])


def _sets(
    corpus: Corpus, which: str, progress: Progress
) -> tuple[pd.DataFrame, pd.DataFrame, list[tuple[str, str]]]:
    """The programs searched, the programs asked about (with "source", "name", "audio"), and
    those that can't be."""
    programs = corpus.programs()
    programs = programs[programs["state"] == "ok"]
    if which == "validation":
        templates = sorted(programs["template"].unique())
        held = programs["template"].isin(templates[EACH - 1 :: EACH])
        if not held.any():
            raise EarshotError(
                f"Corpus '{corpus.name}' has {len(templates)} templates; {EACH} are needed.",
                remedy=f"To add programs: ./run build {corpus.name} --per-template 8",
            )
        step = max(1, held.sum() // MOST)
        return programs[~held], programs[held].iloc[::step], []
    folder = EXAMPLES if which == "examples" else Path(which).expanduser()
    files = sorted(folder.rglob("*.rb"))
    if not files:
        raise EarshotError(
            "There are no programs (*.rb).", where=str(folder),
            remedy=INSTALL if which == "examples" else "Give validation, examples, or a folder.",
        )  # fmt: skip
    sources = [path.read_text(encoding="utf-8", errors="replace") for path in files]
    paths, failed = clips_of(corpus, sources, corpus.settings["seconds"], progress)
    names = [str(path.relative_to(folder)) for path in files]
    asked = pd.DataFrame({"name": names, "source": sources, "audio": paths})
    skipped = [(names[place], why) for place, why in sorted(failed.items())]
    return programs, asked[asked["audio"].notna()], skipped


def _heard(corpus: Corpus, ear: str, queries: pd.DataFrame, progress: Progress) -> np.ndarray:
    if "program" in queries:
        return corpus.embeddings(ear, list(queries["program"]))[1]
    return sound_vectors(ear, list(queries["audio"]), progress)


def _ways(corpus, code, audio, base, queries, options, heard, progress):
    """Each way to find neighbours: its name, and a function that returns rows [m, K]."""
    texts, asked = list(base["source"]), list(queries["source"])
    words = bag_of_words(texts, asked)
    yield "bag of identifiers", lambda: top_k(words[1], words[0], K)[0]
    yield "edit distance", lambda: nearest_by_edits(
        texts, asked, K, top_k(words[1], words[0], CANDIDATES)[0]
    )
    validation = (base["split"] == "validation").to_numpy()
    have = {name for name, modality, _ in corpus.encoders() if modality == "code"}
    views = [code, *(view for view in ("sonicpi", "score") if view in have and view != code)]
    vectors = {}
    for view in views:
        stored = dict(zip(*corpus.embeddings(view), strict=True))
        known = np.stack([stored[program] for program in base["program"]])
        own = (np.stack([stored[program] for program in queries["program"]])
               if "program" in queries else code_vectors(view, asked, progress))  # fmt: skip
        vectors[view] = (known, own)
    if {code, "sonicpi"} <= set(vectors) and code != "sonicpi":
        both = (vectors[code], vectors["sonicpi"])
        vectors[f"{code}+sonicpi"] = tuple(np.hstack([_unit(x) for x in side]) for side in zip(*both))
    for view, (known, own) in vectors.items():
        yield f"{view}, raw", lambda known=known, own=own: top_k(own, known, K)[0]
        ways = [("soft targets", OURS)]
        if view == code:
            ways.insert(0, ("the paper's method", AlignmentConfig()))
        for title, config in ways:
            config = AlignmentConfig.from_dict({**config.to_dict(), "seed": options["seed"]})
            yield f"{view}, {title}", lambda known=known, own=own, config=config: _aligned(
                known, own, heard, validation, config
            )


def _unit(x: np.ndarray) -> np.ndarray:
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-9)


def _aligned(
    known: np.ndarray, own: np.ndarray, heard: np.ndarray, validation: np.ndarray,
    config: AlignmentConfig,
) -> np.ndarray:  # fmt: skip
    """Train heads on the base (its validation programs stop the training) and search its clips."""
    code, audio = (torch.tensor(x, dtype=torch.float32) for x in (known, heard))
    trained = train_heads(
        code[~validation], audio[~validation], code[validation], audio[validation], config
    )
    return top_k(projected(trained.heads, own, "code"), projected(trained.heads, heard, "audio"), K)[0]


def _each(base: pd.DataFrame, queries: pd.DataFrame, nearest: np.ndarray, share: np.ndarray):
    """A row a query with what was foretold for it, and clips to hear."""
    names, paths = base["name"].to_numpy(), base["audio"].to_numpy()
    table = pd.DataFrame({
        "program": queries["name"].to_numpy(), "share": share,
        "foretold": [", ".join(names[row] for row in rows) for rows in nearest],
    })  # fmt: skip
    clips = [
        Heard(f"{query['name']}: {value:.2f}",
              tuple(in_workspace(path) for path in (query["audio"], *paths[rows])),
              ("the program itself", *names[rows]), note="The truth, then what was foretold.")
        for (_, query), rows, value in zip(queries.head(40).iterrows(), nearest, share)
    ]  # fmt: skip
    return table, clips
