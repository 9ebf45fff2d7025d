"""Verification and repair of a corpus."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from core import encoders
from core.corpus import Corpus, Fault
from core.corpus.fault_finding_and_removal import FAULT_KINDS
from core.encoders.imported_embeddings_spec import is_imported_encoder
from core.errors import EarshotError
from core.pipeline.embed_missing_programs_and_clips import embed_missing_clips, embed_missing_code
from core.pipeline.render_missing_clips import render_missing_clips
from core.progress_callback import Progress, ignore_progress
from core.text_formatting import format_named_counts

MAX_DISPLAYED_FAULTS = 5
"""Faults per kind that a report lists."""


@dataclass(frozen=True)
class CheckReport:
    """Result of a check.

    Attributes
    ----------
    corpus_name : str
    counts : dict of str to int
        Number of all programs ("programs") and by state: "ok", "failed", "pending".
    failures : dict of str to int
        Failed programs by kind of error. They are no faults of the corpus.
    embeddings : dict of encoder id to int
    faults : list of Fault
        Faults of the corpus; after a repair, those that are left.
    repaired_faults : list of Fault
    notes : list of str
        What could not be repaired, with the reason.
    """

    corpus_name: str
    counts: dict[str, int]
    failures: dict[str, int]
    embeddings: dict[str, int]
    faults: list[Fault] = field(default_factory=list)
    repaired_faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def has_no_faults(self) -> bool:
        """True when the corpus has no faults."""
        return not self.faults

    def __str__(self) -> str:
        counts = self.counts
        summary = f"{self.corpus_name}: {counts['programs']} programs, {counts['ok']} with a clip"
        if self.failures:
            summary += f", {counts['failed']} failed ({format_named_counts(self.failures)})"
        for encoder_id, count in self.embeddings.items():
            summary += f", {count} by {encoder_id}"
        lines = [
            summary,
            *_format_fault_list("repaired", self.repaired_faults),
            *_format_fault_list("fault", self.faults),
            *self.notes,
        ]
        if self.has_no_faults:
            lines.append("no faults found")
        elif any(fault.is_repairable for fault in self.faults) and not self.notes:
            lines.append(f"./run check {self.corpus_name} --repair repairs what can be repaired")
        return "\n".join(lines)


def verify_corpus(
    corpus_name: str, repair: bool = False, progress: Progress = ignore_progress
) -> CheckReport:
    """Verify the database, programs, clips, embeddings and alignments of a corpus.

    It takes a name, because a damaged database is recovered before a corpus can be opened.

    Parameters
    ----------
    corpus_name : str
    repair : bool
        Remove damaged and stray data, then render and embed what is missing, and nothing else.
    progress : Progress

    Raises
    ------
    EarshotError
        When there is no such corpus, its database cannot be read at all, or, with `repair`,
        another process is writing.
    """
    recovery = Corpus.recover_database_if_damaged(corpus_name) if repair else None
    corpus = Corpus.open(corpus_name)
    if not repair:
        return _summarize_corpus_check(corpus, corpus.find_corpus_faults(progress), [], [])
    with corpus.lock_for_writing(f"check {corpus_name} --repair"):
        # A recovered database may lack clips whose files exist; registering them comes first.
        notes = [str(recovery), *_render_and_embed_missing(corpus, progress)] if recovery else []
        faults_before = corpus.find_corpus_faults(progress)
        faults_after: list[Fault] = []
        if faults_before:
            corpus.remove_faulty_data(faults_before)
            notes += _render_and_embed_missing(corpus, progress)
            faults_after = corpus.find_corpus_faults(progress)
    repaired = [fault for fault in faults_before if fault not in faults_after]
    return _summarize_corpus_check(corpus, faults_after, repaired, notes)


def _render_and_embed_missing(corpus: Corpus, progress: Progress) -> list[str]:
    """Render and embed what is missing; return notes on what could not be done."""
    notes = []
    encoder_ids = [encoder_id for encoder_id, *_ in corpus.count_embeddings_by_encoder()]
    encoder_ids = encoder_ids or list(corpus.settings.get("encoders", {}).values())
    usable_ids = []
    for encoder_id in encoder_ids:
        if is_imported_encoder(encoder_id):  # Only its user can make the missing embeddings.
            continue
        problem = _find_encoder_problem(corpus, encoder_id)
        if problem is None:
            usable_ids.append(encoder_id)
        else:
            notes.append(problem)
    audio_ids = [
        encoder_id
        for encoder_id in usable_ids
        if encoders.find_encoder_spec(encoder_id).modality == "audio"
    ]
    try:
        # New clips are embedded while they are in memory.
        render_missing_clips(corpus, audio_ids, progress=progress)
    except EarshotError as error:
        notes.append(f"Clips could not be rendered. {error}")
    for encoder_id in usable_ids:
        embed_missing = embed_missing_clips if encoder_id in audio_ids else embed_missing_code
        try:
            embed_missing(corpus, encoder_id, progress)
        except EarshotError as error:
            notes.append(f"{encoder_id} could not embed what is missing. {error}")
    return notes


def _find_encoder_problem(corpus: Corpus, encoder_id: str) -> str | None:
    """Return why an encoder cannot continue what it began in this corpus; None if it can."""
    try:
        spec = encoders.find_encoder_spec(encoder_id)
        encoders.get_encoder(encoder_id)
    except EarshotError as error:
        return f"{encoder_id} cannot be used. {error}"
    revision = corpus.get_encoder_revision(encoder_id)
    if revision is None or spec.is_comparable_revision(revision):
        return None
    return (
        f"The installed revision of {encoder_id} is not the one that embedded the corpus:"
        f" ./run embed {corpus.name} embeds everything again."
    )


def _summarize_corpus_check(
    corpus: Corpus, faults: list[Fault], repaired_faults: list[Fault], notes: list[str]
) -> CheckReport:
    return CheckReport(
        corpus_name=corpus.name,
        counts=corpus.count_programs_by_state(),
        failures=corpus.count_failures_by_kind(),
        embeddings={
            encoder_id: count for encoder_id, _, count in corpus.count_embeddings_by_encoder()
        },
        faults=faults,
        repaired_faults=repaired_faults,
        notes=notes,
    )


def _format_fault_list(label: str, faults: list[Fault]) -> list[str]:
    lines = []
    for kind, count in Counter(fault.kind for fault in faults).items():
        lines.append(f"{label}: {count} x {FAULT_KINDS[kind][0]}")
        faults_of_kind = [fault for fault in faults if fault.kind == kind]
        lines += [f"    {fault}" for fault in faults_of_kind[:MAX_DISPLAYED_FAULTS]]
        if count > MAX_DISPLAYED_FAULTS:
            lines.append(f"    … and {count - MAX_DISPLAYED_FAULTS} more")
    return lines
