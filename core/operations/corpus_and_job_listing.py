"""Lists of the corpora and the jobs of the workspace."""

from __future__ import annotations

from datetime import UTC, datetime

from core.corpus import Corpus, list_corpora
from core.errors import EarshotError
from core.jobs.job import Job
from core.jobs.job_manager import list_jobs
from core.operations.corpus_opening import UnknownCorpusError
from core.operations.operation_results import AlignmentSummary, CorpusSummary, JobSummary
from core.search.default_alignment_choice import choose_default_alignment


def list_corpus_summaries() -> list[CorpusSummary]:
    """Return a summary of every corpus, sorted by name; a damaged one has an error."""
    return [_summarize_corpus(name) for name in list_corpora()]


def list_job_summaries() -> list[JobSummary]:
    """Return a summary of every job, newest first."""
    return [_summarize_job(job) for job in list_jobs()]


def _summarize_corpus(name: str) -> CorpusSummary:
    try:
        corpus = Corpus.open(name)
        counts = corpus.count_programs_by_state()
        return CorpusSummary(
            name=name,
            program_count=counts["programs"],
            clip_count=counts["ok"],
            failed_count=counts["failed"],
            clip_seconds=float(corpus.settings["seconds"]),
            sonic_pi=str(corpus.settings.get("sonic_pi", "")),
            encoders={encoder: count for encoder, _, count in corpus.count_embeddings_by_encoder()},
            alignments=_summarize_alignments(corpus),
            error=None,
        )
    except EarshotError as error:
        return CorpusSummary(
            name=name,
            program_count=0,
            clip_count=0,
            failed_count=0,
            clip_seconds=0.0,
            sonic_pi="",
            encoders={},
            alignments=[],
            error=str(error),
        )


def _summarize_alignments(corpus: Corpus) -> list[AlignmentSummary]:
    choice = choose_default_alignment(corpus, "prediction")
    return [
        AlignmentSummary(
            id=record.id,
            method=str(record.config.get("alignment", {}).get("objective", "")).replace("_", "-"),
            created=record.created,
            is_prediction_default=choice is not None and choice.alignment_id == record.id,
        )
        for record in corpus.load_alignments()
    ]


def _summarize_job(job: Job) -> JobSummary:
    return JobSummary(
        id=job.id,
        title=job.title,
        command=job.shell_command,
        state=job.state,  # type: ignore[arg-type]  # its documented values
        step=job.progress.step,
        done=job.progress.done,
        total=job.progress.total,
        remaining_seconds=job.progress.remaining_s,
        created=datetime.fromtimestamp(job.created, UTC),
        error=None if job.error is None else str(job.error),
    )


def get_program_clip_path(corpus_name: str, program_id: str) -> str:
    """Return the file of the clip of a program.

    Raises
    ------
    UnknownCorpusError
        When there is no such corpus, program or clip.
    """
    try:
        return str(Corpus.open(corpus_name).get_clip_path(program_id))
    except EarshotError as error:
        raise UnknownCorpusError(error.message, remedy=error.remedy) from error
