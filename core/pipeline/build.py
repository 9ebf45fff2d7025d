"""Make a corpus: generate programs, render them, embed code and sound."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Callable, Iterable, Mapping

from core import encoders
from core.corpus import Corpus, list_corpora
from core.errors import EarshotError
from core.programs import Template, compose_programs, generate, get_template
from core.programs import list_templates as all_templates
from core.progress import Progress, ignore_progress
from core.pipeline.data_card import record_versions
from core.pipeline.render_missing import RENDERING_STEP, RenderReport, render_missing_clips
from core.pipeline.embed import EmbedReport, resolve_encoder_id, embed_missing_clips, embed_missing_code
from core.pipeline.render_executor import RenderExecutor, LocalExecutor
from core.pipeline.estimate import BuildEstimate, estimate_build

GENERATION_STEP = "Making programs"


@dataclass(frozen=True)
class BuildReport:
    """What a build did and what the corpus holds now.

    Attributes
    ----------
    corpus_name : str
    counts : dict of str to int
        Programs in all ("programs"), "ok", "failed", "pending".
    failures : dict of str to int
        Failed programs by kind of error.
    programs_added, clips_rendered, clips_reused, code_embeddings_added, audio_embeddings_added : int
        New programs; programs rendered; clips found whole from an earlier
        build; new embeddings.
    embedding_errors : dict of program id to str
        Programs that an encoder could not embed, and why.
    encoders : dict
        Encoder ids: "code", "audio".
    encoder_choice_reason : str
        Why those, in one sentence.
    step_seconds : dict of step to float
        Steps that had nothing to do are not listed.
    """

    corpus_name: str
    counts: dict[str, int]
    failures: dict[str, int]
    programs_added: int
    clips_rendered: int
    clips_reused: int
    code_embeddings_added: int
    audio_embeddings_added: int
    embedding_errors: dict[str, str]
    encoders: dict[str, str]
    encoder_choice_reason: str
    step_seconds: dict[str, float]

    def __str__(self) -> str:
        counts = self.counts
        failed = ", ".join(f"{number} {kind}" for kind, number in self.failures.items())
        took = ", ".join(f"{step.lower()} {took:.0f} s" for step, took in self.step_seconds.items())
        lines = [
            f"{self.corpus_name}: {counts['programs']} programs, {counts['ok']} with a clip"
            + (f", {counts['failed']} failed ({failed})" if failed else ""),
            *(
                [f"which ones and why: ./run check {self.corpus_name} --failures"]
                if counts["failed"]
                else []
            ),
            f"new: {self.programs_added} programs, {self.clips_rendered} rendered, {self.clips_reused} clips found,"
            f" {self.code_embeddings_added} + {self.audio_embeddings_added} embeddings of code and sound",
            f"encoders: {self.encoders['code']} and {self.encoders['audio']}. {self.encoder_choice_reason}",
        ]
        if self.embedding_errors:
            program_id, why = next(iter(self.embedding_errors.items()))
            lines.append(f"{len(self.embedding_errors)} could not be embedded, {program_id}: {why}")
        return "\n".join([*lines, f"took: {took or 'nothing was missing'}"])


@dataclass
class _BuildCounts:
    """What is counted while building."""

    programs_added: int = 0
    clips_rendered: int = 0
    clips_reused: int = 0
    step_seconds: dict[str, float] = field(default_factory=dict)
    embed_report: EmbedReport = field(default_factory=EmbedReport)

    def add_render_report(self, render_report: RenderReport) -> None:
        """Count what rendering did."""
        self.clips_rendered, self.clips_reused = render_report.clips_rendered, render_report.clips_reused
        self.embed_report.audio_embeddings_added += render_report.embed_report.audio_embeddings_added
        self.embed_report.embedding_errors |= render_report.embed_report.embedding_errors
        if render_report.seconds:
            self.step_seconds[RENDERING_STEP] = render_report.seconds


def build_corpus(
    corpus_name: str,
    templates: Iterable[Template | str] | None = None,
    per_template: int = 8,
    seed: int = 0,
    preset: str | None = None,
    code_encoder: str | None = None,
    audio_encoder: str | None = None,
    seconds: float | None = None,
    progress: Progress = ignore_progress,
    *,
    audio_format: str | None = None,
    workers: int | None = None,
    parameter_values: Mapping[str, Mapping[str, Any]] | None = None,
    executor: RenderExecutor | None = None,
    grammar_program_count: int = 0,
    on_estimate: Callable[[BuildEstimate], None] = lambda expected: None,
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
    parameter_values : mapping of template id to mapping of parameter to value, optional
        Parameters to fix or narrow, as in `core.programs.generate`: of such a
        template, programs with exactly these are added.
    executor : Engine, optional
        What renders, instead of `workers` processes on this machine.
    grammar_program_count : int
        How many programs that `core.programs.compose` makes with `seed` to hold, too.
    on_estimate : callable
        Told what the clips that are missing will take, before the first is made.

    Raises
    ------
    EarshotError
        When something is asked for that cannot be, the corpus has clips of
        another length or format, somebody else is writing, or an encoder or the
        renderer cannot be used at all. What was finished stays.
    """
    chosen = _resolve_templates(templates, per_template)
    before = Corpus.open(corpus_name).settings if corpus_name in list_corpora() else {}
    pair, why = _choose_encoders(before.get("encoders"), preset, code_encoder, audio_encoder)
    corpus = _open_or_create_corpus(corpus_name, seconds, audio_format)
    tally = _BuildCounts()
    with corpus.lock_for_writing(f"build {corpus_name}"):
        if corpus.settings.get("encoders") != pair:
            corpus.set_setting("encoders", pair)
        _add_template_programs(corpus, chosen, per_template, seed, parameter_values or {}, tally, progress)
        _add_grammar_programs(corpus, grammar_program_count, seed, tally, progress)
        if missing := len(corpus.list_pending_clips()):
            record_versions(corpus)
            on_estimate(_estimate_missing_clips(corpus, missing, pair))
        embed_missing_code(corpus, pair["code"], tally.embed_report, progress)
        tally.add_render_report(render_missing_clips(corpus, [pair["audio"]], executor or LocalExecutor(workers), progress))
        embed_missing_clips(corpus, pair["audio"], tally.embed_report, progress)
    _raise_if_no_clips(corpus)
    return BuildReport(
        corpus_name=corpus_name,
        counts=corpus.count_programs_by_state(),
        failures=corpus.count_failures_by_kind(),
        programs_added=tally.programs_added,
        clips_rendered=tally.clips_rendered,
        clips_reused=tally.clips_reused,
        code_embeddings_added=tally.embed_report.code_embeddings_added,
        audio_embeddings_added=tally.embed_report.audio_embeddings_added,
        embedding_errors=tally.embed_report.embedding_errors,
        encoders=pair,
        encoder_choice_reason=why,
        step_seconds={**tally.step_seconds, **tally.embed_report.step_seconds},
    )


def _resolve_templates(templates: Iterable[Template | str] | None, per_template: int) -> list[Template]:
    if per_template < 0:
        raise EarshotError(f"{per_template} programs a template cannot be made.")
    if templates is None:
        return all_templates()
    named = [each if isinstance(each, Template) else get_template(each) for each in templates]
    return list({each.id: each for each in named}.values())


def _open_or_create_corpus(corpus_name: str, seconds: float | None, audio_format: str | None) -> Corpus:
    asked = {"seconds": seconds, "audio_format": audio_format}
    asked = {key: value for key, value in asked.items() if value is not None}
    corpus = Corpus.create(corpus_name, exist_ok=True, **asked)
    settings = corpus.settings
    for key, value in asked.items():
        if settings[key] != value:
            raise EarshotError(
                f"Corpus '{corpus_name}' has {key} {settings[key]}, not {value}: its clips must be alike.",
                remedy="Leave that option out, or build a corpus of another name.",
            )
    return corpus


def _choose_encoders(
    previous_encoders: dict[str, str] | None, preset: str | None, code_encoder: str | None, audio_encoder: str | None
) -> tuple[dict[str, str], str]:
    """Return the ids of code and audio encoder, and why those."""
    asked = {"code": resolve_encoder_id(code_encoder, "code"), "audio": resolve_encoder_id(audio_encoder, "audio")}
    asked = {modality: encoder_id for modality, encoder_id in asked.items() if encoder_id}
    if len(asked) == 2:
        return asked, "You asked for these two encoders."
    if previous_encoders and preset is None:
        rest, why = previous_encoders, "The corpus was built with it before."
    else:
        found, why = encoders.choose_preset(preset)
        rest = {"code": found.code_encoder, "audio": found.audio_encoder}
    if asked:
        why = f"You asked for {next(iter(asked.values()))}. The other one: {why}"
    return {**rest, **asked}, why


def _add_template_programs(
    corpus: Corpus,
    templates: list[Template],
    per_template: int,
    seed: int,
    parameter_values: Mapping[str, Mapping[str, Any]],
    build_counts: _BuildCounts,
    progress: Progress,
) -> None:
    """Add what a template lacks of `per_template` programs with this seed."""
    if unknown := set(parameter_values) - {each.id for each in templates}:
        raise EarshotError(
            f"Values are given for {sorted(unknown)[0]!r}, of which no programs are made.",
            remedy="Name that template, too.",
        )
    there = corpus.load_programs()
    known = set(there["program"])
    of_seed = there[there["seed"] == seed].groupby("template").size()
    # With values, how many of the seed there are says nothing: others may have other values.
    lacking = {
        each.id: per_template - (0 if each.id in parameter_values else of_seed.get(each.id, 0))
        for each in templates
    }
    lacking = {key: number for key, number in lacking.items() if number > 0}
    if not lacking:
        return
    start = time.monotonic()
    total, done = sum(lacking.values()), 0
    progress(GENERATION_STEP, 0, total)
    for each in templates:
        if each.id in lacking:
            made = generate(each, per_template, seed, parameter_values.get(each.id))
            new = [program for program in made if program.id not in known]
            build_counts.programs_added += corpus.add_programs(new[: lacking[each.id]])
            done += lacking[each.id]
            progress(GENERATION_STEP, done, total, each.title)
    build_counts.step_seconds[GENERATION_STEP] = time.monotonic() - start


def _add_grammar_programs(corpus: Corpus, count: int, seed: int, build_counts: _BuildCounts, progress: Progress) -> None:
    """Add what is lacking of the first `count` composed programs of this seed."""
    known = set(corpus.load_programs()["program"]) if count else set()
    start = time.monotonic()
    new = [program for program in compose_programs(count, seed) if program.id not in known]
    if not new:
        return
    progress(GENERATION_STEP, 0, len(new))
    build_counts.programs_added += corpus.add_programs(new)
    progress(GENERATION_STEP, len(new), len(new), "composed")
    spent = time.monotonic() - start
    build_counts.step_seconds[GENERATION_STEP] = build_counts.step_seconds.get(GENERATION_STEP, 0.0) + spent


def _estimate_missing_clips(corpus: Corpus, clip_count: int, encoder_ids: dict[str, str]) -> BuildEstimate:
    known = {(each.code_encoder, each.audio_encoder): each.name for each in encoders.PRESETS.values()}
    preset = known.get((encoder_ids["code"], encoder_ids["audio"]), "other")
    settings = corpus.settings
    return estimate_build(clip_count, settings["seconds"], preset, audio_format=settings["audio_format"])


def _raise_if_no_clips(corpus: Corpus) -> None:
    """A corpus whose programs all failed is no success, whatever was finished."""
    counts = corpus.count_programs_by_state()
    if counts["ok"] or not counts["failed"]:
        return
    kinds = ", ".join(f"{number} {kind}" for kind, number in corpus.count_failures_by_kind().items())
    rows = corpus.load_programs()
    first = rows[rows["state"] == "failed"].iloc[0]
    raise EarshotError(
        f"None of {counts['programs']} programs has a clip ({kinds}). The first one:"
        f" {first['error_message']}",
        where=f"program {first['name']}",
        remedy="./run doctor says whether the renderer is whole. What failed for the machine's"
        " sake is tried again by the next build.",
    )
