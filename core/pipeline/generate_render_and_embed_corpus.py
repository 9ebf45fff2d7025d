"""Building of a corpus: generate programs, render them, embed code and clips."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

from core import encoders
from core.corpus import Corpus, list_corpora
from core.corpus.audio_shard_store import normalize_store_url
from core.corpus.corpus_contents_and_deletion import delete_corpus
from core.corpus.program_filtering import filter_programs_with_thread_errors
from core.errors import EarshotError
from core.pipeline.corpus_data_card import store_dependency_versions
from core.pipeline.cost_estimates import (
    BuildEstimate,
    estimate_build_cost,
    find_cost_preset_name,
)
from core.pipeline.duration_history import record_duration
from core.pipeline.embed_missing_programs_and_clips import (
    EmbedReport,
    embed_missing_clips,
    embed_missing_code,
    get_canonical_encoder_id,
)
from core.pipeline.executors import Executor, LocalExecutor
from core.pipeline.generate_and_add_missing_programs import (
    DEFAULT_BUILD_OPTIONS,
    GENERATION_STEP,
    BuildOptions,
    add_missing_programs,
    choose_and_record_sound_set,
    select_build_templates,
)
from core.pipeline.render_missing_clips import RENDERING_STEP, RenderReport, render_missing_clips
from core.pipeline.simulation_of_missing_programs import (
    simulate_programs_that_joint_alignments_search,
)
from core.progress_callback import Progress, ignore_progress
from core.text_formatting import format_named_counts


@dataclass(frozen=True)
class EncoderChoice:
    """The pair of encoders that a build uses.

    Attributes
    ----------
    preset : {"paper", "offline"} or None
        None for the encoders that the corpus was built with; for a new corpus, the preset that
        `core.encoders.choose_encoder_preset` recommends.
    code_encoder, audio_encoder : str or None
        Encoder ids, which replace the preset's.
    """

    preset: str | None = None
    code_encoder: str | None = None
    audio_encoder: str | None = None


@dataclass(frozen=True)
class ClipFormat:
    """Settings of a corpus's clips; None for the corpus's own or the default.

    Attributes
    ----------
    seconds : float or None
        18 in a new corpus.
    audio_format : {"flac", "ogg"} or None
        FLAC in a new corpus.
    sonic_pi : {"3.2", "5"} or None
        Version of Sonic Pi whose sound the clips have; 3.2 in a new corpus.
    audio_store : str or None
        URL or folder for shards of clips, see `Corpus.set_audio_store`. In a new corpus, clips are
        only in the corpus's folder.
    audio_cache_mb : int or None
        Size of the local cache of an audio store, in MB.
    """

    seconds: float | None = None
    audio_format: str | None = None
    sonic_pi: str | None = None
    audio_store: str | None = None
    audio_cache_mb: int | None = None

    def to_corpus_settings(self) -> dict[str, Any]:
        """Return the values that are set, as keywords of `Corpus.create`."""
        names = ("seconds", "audio_format", "sonic_pi")
        return {name: value for name in names if (value := getattr(self, name)) is not None}


@dataclass(frozen=True)
class BuildReport:
    """Result of a build.

    Attributes
    ----------
    corpus_name : str
    counts : dict of str to int
        Number of all programs ("programs") and by state: "ok", "failed", "pending".
    failures : dict of str to int
        Failed programs by kind of error.
    programs_with_thread_errors : int
        Programs with a clip in which an error ended a thread.
    programs_added, clips_rendered : int
    clips_reused : int
        Intact clip files of an earlier build.
    code_embeddings_added, audio_embeddings_added : int
    embedding_errors : dict of program id to str
        Programs that an encoder could not embed, with the error message.
    encoders : dict
        Encoder ids by modality: "code", "audio".
    encoder_choice_reason : str
        Why these encoders, in one sentence.
    step_seconds : dict of step to float
        Duration of each step that had something to do.
    """

    corpus_name: str
    counts: dict[str, int]
    failures: dict[str, int]
    programs_with_thread_errors: int
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
        failures = f" ({format_named_counts(self.failures)})" if self.failures else ""
        failed = f", {counts['failed']} failed{failures}" if counts["failed"] else ""
        partial = self.programs_with_thread_errors
        durations = ", ".join(
            f"{step.lower()} {seconds:.0f} s" for step, seconds in self.step_seconds.items()
        )
        lines = [
            f"{self.corpus_name}: {counts['programs']} programs, {counts['ok']} with a clip"
            + (f" ({partial} of them with an error in a thread)" if partial else "")
            + failed
        ]
        if counts["failed"]:
            lines.append(
                f"failed programs and their errors: ./run check {self.corpus_name} --failures"
            )
        lines += [
            f"added: {self.programs_added} programs, {self.clips_rendered} rendered,"
            f" {self.clips_reused} clips reused, {self.code_embeddings_added} code embeddings,"
            f" {self.audio_embeddings_added} audio embeddings",
            f"encoders: {self.encoders['code']} and {self.encoders['audio']}."
            f" {self.encoder_choice_reason}",
        ]
        if self.embedding_errors:
            program_id, message = next(iter(self.embedding_errors.items()))
            lines.append(
                f"{len(self.embedding_errors)} could not be embedded, {program_id}: {message}"
            )
        return "\n".join([*lines, f"duration: {durations or 'nothing was missing'}"])


def build_corpus(
    corpus_name: str,
    options: BuildOptions = DEFAULT_BUILD_OPTIONS,
    encoder_choice: EncoderChoice = EncoderChoice(),
    clip_format: ClipFormat = ClipFormat(),
    *,
    executor: Executor | None = None,
    progress: Progress = ignore_progress,
    on_estimate: Callable[[BuildEstimate], None] | None = None,
) -> BuildReport:
    """Generate, render and embed the programs of a corpus, which is created if missing.

    Only what is missing is done, so a build resumes where an earlier one stopped and adds to an
    existing corpus. A program that fails stays in the corpus with its error, and the build goes
    on.

    Parameters
    ----------
    corpus_name : str
    options : BuildOptions
    encoder_choice : EncoderChoice
    clip_format : ClipFormat
    executor : Executor, optional
        Default: processes on this machine, one per core.
    progress : Progress
    on_estimate : callable, optional
        Called with a `BuildEstimate` of the missing clips before the first is rendered.

    Raises
    ------
    EarshotError
        When an option is invalid, the corpus has clips of another length or format, another
        process is writing, an encoder or the renderer cannot be used, or no program has a clip.
        What was finished stays; a new corpus without any rendered program does not.

    Examples
    --------
    >>> report = build_corpus(
    ...     "beeps", BuildOptions(["02_1_beeps"], 2), EncoderChoice("offline"), ClipFormat(1.0)
    ... )
    >>> report.counts["ok"]
    2
    """
    with delete_new_corpus_that_stays_empty(corpus_name):
        report = _build_existing_or_new_corpus(
            corpus_name, options, encoder_choice, clip_format, executor, progress, on_estimate
        )
    _raise_if_corpus_has_no_clips(Corpus.open(corpus_name))
    return report


@contextmanager
def delete_new_corpus_that_stays_empty(corpus_name: str) -> Iterator[None]:
    """Delete the corpus that the block creates, if the block fails before anything is rendered."""
    is_new = corpus_name not in list_corpora()
    try:
        yield
    except EarshotError:
        if is_new and corpus_name in list_corpora():
            corpus = Corpus.open(corpus_name)
            counts = corpus.count_programs_by_state()
            if counts["pending"] == counts["programs"]:
                with suppress(EarshotError):  # Another process may be building it.
                    delete_corpus(corpus)
        raise


def _build_existing_or_new_corpus(
    corpus_name: str,
    options: BuildOptions,
    encoder_choice: EncoderChoice,
    clip_format: ClipFormat,
    executor: Executor | None,
    progress: Progress,
    on_estimate: Callable[[BuildEstimate], None] | None,
) -> BuildReport:
    templates = select_build_templates(options)
    store_url = normalize_store_url(clip_format.audio_store) if clip_format.audio_store else None
    existing = Corpus.open(corpus_name) if corpus_name in list_corpora() else None
    previous_encoders = existing.settings.get("encoders") if existing else None
    encoder_ids, reason = _choose_code_and_audio_encoder(previous_encoders, encoder_choice)
    corpus = open_or_create_corpus(corpus_name, clip_format)
    with corpus.lock_for_writing(f"build {corpus_name}"):
        _set_audio_store(corpus, store_url, clip_format.audio_cache_mb)
        if options.is_strict is not None:
            corpus.set_strict_about_thread_errors(options.is_strict)
        if corpus.settings.get("encoders") != encoder_ids:
            corpus.set_corpus_setting("encoders", encoder_ids)
        options = replace(options, sound_set=choose_and_record_sound_set(corpus, options.sound_set))
        programs_added, generation_seconds = add_missing_programs(
            corpus, templates, options, progress
        )
        missing_count = len(corpus.list_programs_to_render())
        estimate = _estimate_cost_of_missing_clips(corpus, missing_count, encoder_ids)
        if missing_count:
            store_dependency_versions(corpus)
            if on_estimate is not None:
                on_estimate(estimate)
        # The time on a cluster says nothing about this machine's.
        is_local = executor is None or isinstance(executor, LocalExecutor)
        with record_duration("build", estimate.seconds if is_local else 0.0):
            embed_report = embed_missing_code(corpus, encoder_ids["code"], progress, executor)
            render_report = render_missing_clips(corpus, [encoder_ids["audio"]], executor, progress)
            embed_report += render_report.embed_report
            embed_report += embed_missing_clips(corpus, encoder_ids["audio"], progress, executor)
            simulate_programs_that_joint_alignments_search(corpus, progress, executor)
    return BuildReport(
        corpus_name=corpus_name,
        counts=corpus.count_programs_by_state(),
        failures=corpus.count_failures_by_kind(),
        programs_with_thread_errors=len(filter_programs_with_thread_errors(corpus.load_programs())),
        programs_added=programs_added,
        clips_rendered=render_report.clips_rendered,
        clips_reused=render_report.clips_reused,
        code_embeddings_added=embed_report.code_embeddings_added,
        audio_embeddings_added=embed_report.audio_embeddings_added,
        embedding_errors=embed_report.embedding_errors,
        encoders=encoder_ids,
        encoder_choice_reason=reason,
        step_seconds=_collect_step_seconds(generation_seconds, render_report, embed_report),
    )


def _set_audio_store(corpus: Corpus, url: str | None, cache_mb: int | None) -> None:
    store = corpus.audio_store
    if url is not None:
        corpus.set_audio_store(url, cache_mb)
    elif cache_mb is not None and store is not None:
        store.set_cache_size(cache_mb)
    elif cache_mb is not None:
        raise EarshotError(
            f"Corpus '{corpus.name}' has no audio store, and so no cache of one.",
            remedy="Add --audio-store URL, or leave --audio-cache-mb out.",
        )


def _collect_step_seconds(
    generation_seconds: float, render_report: RenderReport, embed_report: EmbedReport
) -> dict[str, float]:
    own_steps = {GENERATION_STEP: generation_seconds, RENDERING_STEP: render_report.seconds}
    return {step: seconds for step, seconds in own_steps.items() if seconds} | (
        embed_report.step_seconds
    )


def open_or_create_corpus(corpus_name: str, clip_format: ClipFormat) -> Corpus:
    """Open or create the corpus; raise an EarshotError if its clips have another format."""
    requested = clip_format.to_corpus_settings()
    corpus = Corpus.create(corpus_name, exist_ok=True, **requested)
    settings = corpus.settings
    for name, value in requested.items():
        if settings[name] != value:
            raise EarshotError(
                f"Corpus '{corpus_name}' has {name} {settings[name]}, not {value}: its clips must"
                " be alike.",
                remedy="Leave that option out, or build a corpus of another name.",
            )
    return corpus


def _choose_code_and_audio_encoder(
    previous_encoders: dict[str, str] | None, choice: EncoderChoice
) -> tuple[dict[str, str], str]:
    """Return the encoder ids by modality, and the reason in one sentence."""
    resolved = {
        "code": get_canonical_encoder_id(choice.code_encoder, "code"),
        "audio": get_canonical_encoder_id(choice.audio_encoder, "audio"),
    }
    named = {modality: encoder_id for modality, encoder_id in resolved.items() if encoder_id}
    if len(named) == 2:
        return named, "You asked for these two encoders."
    if previous_encoders and choice.preset is None:
        defaults, reason = previous_encoders, "The corpus was built with it before."
    else:
        preset, reason = encoders.choose_encoder_preset(choice.preset)
        defaults = {"code": preset.code_encoder, "audio": preset.audio_encoder}
    if named:
        reason = f"You asked for {next(iter(named.values()))}. The other one: {reason}"
    return {**defaults, **named}, reason


def _estimate_cost_of_missing_clips(
    corpus: Corpus, clip_count: int, encoder_ids: dict[str, str]
) -> BuildEstimate:
    preset_name = find_cost_preset_name(encoder_ids["code"], encoder_ids["audio"])
    settings = corpus.settings
    return estimate_build_cost(
        clip_count, settings["seconds"], preset_name, audio_format=settings["audio_format"]
    )


def _raise_if_corpus_has_no_clips(corpus: Corpus) -> None:
    """Raise an EarshotError if all programs of the corpus failed."""
    counts = corpus.count_programs_by_state()
    if counts["ok"] or not counts["failed"]:
        return
    programs = corpus.load_programs()
    first = programs[programs["state"] == "failed"].iloc[0]
    raise EarshotError(
        f"None of {counts['programs']} programs has a clip"
        f" ({format_named_counts(corpus.count_failures_by_kind())}). The first one:"
        f" {first['error_message']}",
        where=f"program {first['name']}",
        remedy="./run doctor checks the renderer. Programs that failed because of the machine are"
        " tried again by the next build.",
    )
