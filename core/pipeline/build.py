"""Make a corpus: generate programs, render them, embed code and sound."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Callable, Iterable, Mapping

from core import encoders
from core.corpus import Corpus, list_corpora
from core.errors import EarshotError
from core.programs import Template, compose, generate, template
from core.programs import templates as all_templates
from core.progress import Progress, silent
from core.pipeline.data_card import note_versions
from core.pipeline.render_missing import CLIPS_STEP, ClipsReport, make_clips
from core.pipeline.embed import EmbedReport, checked, embed_clips, embed_code
from core.pipeline.render_executor import Engine, LocalProcesses
from core.pipeline.estimate import Estimate, estimate

PROGRAMS_STEP = "Making programs"


@dataclass(frozen=True)
class BuildReport:
    """What a build did and what the corpus holds now.

    Attributes
    ----------
    corpus : str
    counts : dict of str to int
        Programs in all ("programs"), "ok", "failed", "pending".
    failures : dict of str to int
        Failed programs by kind of error.
    added, rendered, adopted, embedded_code, embedded_audio : int
        New programs; programs rendered; clips found whole from an earlier
        build; new embeddings.
    not_embedded : dict of program id to str
        Programs that an encoder could not embed, and why.
    encoders : dict
        Encoder ids: "code", "audio".
    why : str
        Why those, in one sentence.
    seconds : dict of step to float
        Steps that had nothing to do are not listed.
    """

    corpus: str
    counts: dict[str, int]
    failures: dict[str, int]
    added: int
    rendered: int
    adopted: int
    embedded_code: int
    embedded_audio: int
    not_embedded: dict[str, str]
    encoders: dict[str, str]
    why: str
    seconds: dict[str, float]

    def __str__(self) -> str:
        counts = self.counts
        failed = ", ".join(f"{number} {kind}" for kind, number in self.failures.items())
        took = ", ".join(f"{step.lower()} {took:.0f} s" for step, took in self.seconds.items())
        lines = [
            f"{self.corpus}: {counts['programs']} programs, {counts['ok']} with a clip"
            + (f", {counts['failed']} failed ({failed})" if failed else ""),
            *(
                [f"which ones and why: ./run check {self.corpus} --failures"]
                if counts["failed"]
                else []
            ),
            f"new: {self.added} programs, {self.rendered} rendered, {self.adopted} clips found,"
            f" {self.embedded_code} + {self.embedded_audio} embeddings of code and sound",
            f"encoders: {self.encoders['code']} and {self.encoders['audio']}. {self.why}",
        ]
        if self.not_embedded:
            program_id, why = next(iter(self.not_embedded.items()))
            lines.append(f"{len(self.not_embedded)} could not be embedded, {program_id}: {why}")
        return "\n".join([*lines, f"took: {took or 'nothing was missing'}"])


@dataclass
class _Tally:
    """What is counted while building."""

    added: int = 0
    rendered: int = 0
    adopted: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    embedded: EmbedReport = field(default_factory=EmbedReport)

    def add(self, clips: ClipsReport) -> None:
        """Count what rendering did."""
        self.rendered, self.adopted = clips.rendered, clips.adopted
        self.embedded.audio += clips.embedded.audio
        self.embedded.failed |= clips.embedded.failed
        if clips.seconds:
            self.seconds[CLIPS_STEP] = clips.seconds


def build(
    corpus_name: str,
    templates: Iterable[Template | str] | None = None,
    per_template: int = 8,
    seed: int = 0,
    preset: str | None = None,
    code_encoder: str | None = None,
    audio_encoder: str | None = None,
    seconds: float | None = None,
    progress: Progress = silent,
    *,
    audio_format: str | None = None,
    workers: int | None = None,
    values: Mapping[str, Mapping[str, Any]] | None = None,
    engine: Engine | None = None,
    composed: int = 0,
    expect: Callable[[Estimate], None] = lambda expected: None,
) -> BuildReport:
    """Bring a corpus to `per_template` programs of each template, heard and embedded.

    Does only what is missing, so it goes on where an earlier build was stopped
    and adds to a corpus that is there. A program that fails stays in the corpus
    with its error; the others go on.

    Parameters
    ----------
    corpus_name : str
    templates : iterable of Template or str, optional
        Default: all.
    per_template : int
        Programs of each template that were generated with `seed`. 0 adds none: what
        is in the corpus is rendered and embedded.
    seed : int
        Of the programs. Those that the corpus holds by other seeds stay.
    preset : {"paper", "offline"}, optional
        Pair of encoders. Default: those that the corpus was built with before;
        for a new one what `core.encoders.choose_preset` says.
    code_encoder, audio_encoder : str, optional
        Encoder ids; go before the preset.
    seconds : float, optional
        Length of a clip. Default: the corpus's, or 18 for a new one.
    progress : Progress
    audio_format : {"flac", "ogg"}, optional
        Default: the corpus's, or FLAC for a new one.
    workers : int, optional
        Programs rendered at a time. Default: one a core.
    values : mapping of template id to mapping of parameter to value, optional
        Parameters to fix or narrow, as in `core.programs.generate`: of such a
        template, programs with exactly these are added.
    engine : Engine, optional
        What renders, instead of `workers` processes on this machine.
    composed : int
        How many programs that `core.programs.compose` makes with `seed` to hold, too.
    expect : callable
        Told what the clips that are missing will take, before the first is made.

    Raises
    ------
    EarshotError
        When something is asked for that cannot be, the corpus has clips of
        another length or format, somebody else is writing, or an encoder or the
        renderer cannot be used at all. What was finished stays.
    """
    chosen = _templates(templates, per_template)
    before = Corpus.open(corpus_name).settings if corpus_name in list_corpora() else {}
    pair, why = _encoders(before.get("encoders"), preset, code_encoder, audio_encoder)
    corpus = _opened(corpus_name, seconds, audio_format)
    tally = _Tally()
    with corpus.writing(f"build {corpus_name}"):
        if corpus.settings.get("encoders") != pair:
            corpus.set_setting("encoders", pair)
        _add_programs(corpus, chosen, per_template, seed, values or {}, tally, progress)
        _add_composed(corpus, composed, seed, tally, progress)
        if missing := len(corpus.pending_clips()):
            note_versions(corpus)
            expect(_expected(corpus, missing, pair))
        embed_code(corpus, pair["code"], tally.embedded, progress)
        tally.add(make_clips(corpus, [pair["audio"]], engine or LocalProcesses(workers), progress))
        embed_clips(corpus, pair["audio"], tally.embedded, progress)
    _raise_if_nothing_sounds(corpus)
    return BuildReport(
        corpus=corpus_name,
        counts=corpus.counts(),
        failures=corpus.failures(),
        added=tally.added,
        rendered=tally.rendered,
        adopted=tally.adopted,
        embedded_code=tally.embedded.code,
        embedded_audio=tally.embedded.audio,
        not_embedded=tally.embedded.failed,
        encoders=pair,
        why=why,
        seconds={**tally.seconds, **tally.embedded.seconds},
    )


def _templates(wanted: Iterable[Template | str] | None, per_template: int) -> list[Template]:
    if per_template < 0:
        raise EarshotError(f"{per_template} programs a template cannot be made.")
    if wanted is None:
        return all_templates()
    named = [each if isinstance(each, Template) else template(each) for each in wanted]
    return list({each.id: each for each in named}.values())


def _opened(name: str, seconds: float | None, audio_format: str | None) -> Corpus:
    asked = {"seconds": seconds, "audio_format": audio_format}
    asked = {key: value for key, value in asked.items() if value is not None}
    corpus = Corpus.create(name, exist_ok=True, **asked)
    settings = corpus.settings
    for key, value in asked.items():
        if settings[key] != value:
            raise EarshotError(
                f"Corpus '{name}' has {key} {settings[key]}, not {value}: its clips must be alike.",
                remedy="Leave that option out, or build a corpus of another name.",
            )
    return corpus


def _encoders(
    before: dict[str, str] | None, preset: str | None, code: str | None, audio: str | None
) -> tuple[dict[str, str], str]:
    """Return the ids of code and audio encoder, and why those."""
    asked = {"code": checked(code, "code"), "audio": checked(audio, "audio")}
    asked = {modality: encoder_id for modality, encoder_id in asked.items() if encoder_id}
    if len(asked) == 2:
        return asked, "You asked for these two encoders."
    if before and preset is None:
        rest, why = before, "The corpus was built with it before."
    else:
        found, why = encoders.choose_preset(preset)
        rest = {"code": found.code, "audio": found.audio}
    if asked:
        why = f"You asked for {next(iter(asked.values()))}. The other one: {why}"
    return {**rest, **asked}, why


def _add_programs(
    corpus: Corpus,
    chosen: list[Template],
    per_template: int,
    seed: int,
    values: Mapping[str, Mapping[str, Any]],
    tally: _Tally,
    progress: Progress,
) -> None:
    """Add what a template lacks of `per_template` programs with this seed."""
    if unknown := set(values) - {each.id for each in chosen}:
        raise EarshotError(
            f"Values are given for {sorted(unknown)[0]!r}, of which no programs are made.",
            remedy="Name that template, too.",
        )
    there = corpus.programs()
    known = set(there["program"])
    of_seed = there[there["seed"] == seed].groupby("template").size()
    # With values, how many of the seed there are says nothing: others may have other values.
    lacking = {
        each.id: per_template - (0 if each.id in values else of_seed.get(each.id, 0))
        for each in chosen
    }
    lacking = {key: number for key, number in lacking.items() if number > 0}
    if not lacking:
        return
    start = time.monotonic()
    total, done = sum(lacking.values()), 0
    progress(PROGRAMS_STEP, 0, total)
    for each in chosen:
        if each.id in lacking:
            made = generate(each, per_template, seed, values.get(each.id))
            new = [program for program in made if program.id not in known]
            tally.added += corpus.add_programs(new[: lacking[each.id]])
            done += lacking[each.id]
            progress(PROGRAMS_STEP, done, total, each.title)
    tally.seconds[PROGRAMS_STEP] = time.monotonic() - start


def _add_composed(corpus: Corpus, count: int, seed: int, tally: _Tally, progress: Progress) -> None:
    """Add what is lacking of the first `count` composed programs of this seed."""
    known = set(corpus.programs()["program"]) if count else set()
    start = time.monotonic()
    new = [program for program in compose(count, seed) if program.id not in known]
    if not new:
        return
    progress(PROGRAMS_STEP, 0, len(new))
    tally.added += corpus.add_programs(new)
    progress(PROGRAMS_STEP, len(new), len(new), "composed")
    spent = time.monotonic() - start
    tally.seconds[PROGRAMS_STEP] = tally.seconds.get(PROGRAMS_STEP, 0.0) + spent


def _expected(corpus: Corpus, clips: int, pair: dict[str, str]) -> Estimate:
    known = {(each.code, each.audio): each.name for each in encoders.PRESETS.values()}
    preset = known.get((pair["code"], pair["audio"]), "other")
    settings = corpus.settings
    return estimate(clips, settings["seconds"], preset, audio_format=settings["audio_format"])


def _raise_if_nothing_sounds(corpus: Corpus) -> None:
    """A corpus whose programs all failed is no success, whatever was finished."""
    counts = corpus.counts()
    if counts["ok"] or not counts["failed"]:
        return
    kinds = ", ".join(f"{number} {kind}" for kind, number in corpus.failures().items())
    rows = corpus.programs()
    first = rows[rows["state"] == "failed"].iloc[0]
    raise EarshotError(
        f"None of {counts['programs']} programs has a clip ({kinds}). The first one:"
        f" {first['error_message']}",
        where=f"program {first['name']}",
        remedy="./run doctor says whether the renderer is whole. What failed for the machine's"
        " sake is tried again by the next build.",
    )
