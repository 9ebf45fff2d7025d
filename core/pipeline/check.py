"""Verify a corpus to the last bit, and make good what is missing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from core import encoders
from core.corpus import Corpus, Fault
from core.corpus.integrity import FAULT_KINDS
from core.encoders.imported import is_imported_encoder
from core.errors import EarshotError
from core.progress import Progress, ignore_progress
from core.pipeline.render_missing import render_missing_clips
from core.pipeline.embed import EmbedReport, embed_missing_clips, embed_missing_code

MAX_DISPLAYED_FAULTS = 5  # faults of a kind that a report shows


@dataclass(frozen=True)
class CheckReport:
    """What a check found.

    Attributes
    ----------
    corpus_name : str
    counts : dict of str to int
        Programs in all ("programs"), "ok", "failed", "pending".
    failures : dict of str to int
        Failed programs by kind of error: they are no faults of the corpus.
    embeddings : dict of encoder id to int
    faults : list of Fault
        What is wrong; after a repair, what still is.
    repaired_faults : list of Fault
        What was wrong and is not any more.
    notes : list of str
        What could not be made good, and why.
    """

    corpus_name: str
    counts: dict[str, int]
    failures: dict[str, int]
    embeddings: dict[str, int]
    faults: list[Fault] = field(default_factory=list)
    repaired_faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """True when nothing is wrong."""
        return not self.faults

    def __str__(self) -> str:
        counts = self.counts
        failed = ", ".join(f"{number} {kind}" for kind, number in self.failures.items())
        lines = [
            f"{self.corpus_name}: {counts['programs']} programs, {counts['ok']} with a clip"
            + (f", {counts['failed']} failed ({failed})" if failed else "")
            + "".join(f", {number} by {name}" for name, number in self.embeddings.items()),
            *_format_faults("repaired", self.repaired_faults),
            *_format_faults("wrong", self.faults),
            *self.notes,
        ]
        if self.ok:
            lines.append("everything is there and whole")
        elif any(fault.is_repairable for fault in self.faults) and not self.notes:
            lines.append(f"./run check {self.corpus_name} --repair makes good what can be")
        return "\n".join(lines)


def check_corpus(corpus_name: str, repair: bool = False, progress: Progress = ignore_progress) -> CheckReport:
    """Verify database, programs, clips, embeddings and alignments of a corpus.

    Parameters
    ----------
    corpus_name : str
    repair : bool
        Remove what is damaged or belongs to nothing, then render and embed what
        is missing, and nothing else.
    progress : Progress

    Raises
    ------
    EarshotError
        When there is no such corpus, its database cannot be read at all, or, with
        `repair`, somebody else is writing.
    """
    saved = Corpus.recover_if_damaged(corpus_name) if repair else None
    corpus = Corpus.open(corpus_name)
    if not repair:
        return _make_report(corpus, corpus.find_faults(progress), [], [])
    with corpus.lock_for_writing(f"check {corpus_name} --repair"):
        # Clips of a database that was saved belong to nobody until they are found again.
        notes = [str(saved), *_restore_missing(corpus, progress)] if saved else []
        before = corpus.find_faults(progress)
        if before:
            corpus.remove_faulty_data(before)
            notes += _restore_missing(corpus, progress)
        after = corpus.find_faults(progress) if before else []
    repaired = [fault for fault in before if fault not in after]
    return _make_report(corpus, after, repaired, notes)


def _restore_missing(corpus: Corpus, progress: Progress) -> list[str]:
    """Render and embed what is missing; return why that was not possible."""
    notes: list[str] = []
    report = EmbedReport()
    # Encoders first: what is rendered is embedded by them while it is in memory.
    known = [name for name, *_ in corpus.list_encoders()]
    known = known or list(corpus.settings.get("encoders", {}).values())
    known = [name for name in known if not is_imported_encoder(name)]  # what is missing, nobody here can make
    usable = [name for name in known if _is_encoder_usable(corpus, name, notes)]
    audio = [name for name in usable if encoders.find_encoder_spec(name).modality == "audio"]
    try:
        render_missing_clips(corpus, audio, progress=progress)
    except EarshotError as error:
        notes.append(f"Clips could not be rendered. {error}")
    for name in usable:
        try:
            (embed_missing_clips if name in audio else embed_missing_code)(corpus, name, report, progress)
        except EarshotError as error:
            notes.append(f"{name} could not embed what is missing. {error}")
    return notes


def _is_encoder_usable(corpus: Corpus, encoder_id: str, notes: list[str]) -> bool:
    """Whether an encoder can go on with what it began in this corpus."""
    try:
        here = encoders.find_encoder_spec(encoder_id)
        encoders.get_encoder(encoder_id)
    except EarshotError as error:
        notes.append(f"{encoder_id} cannot be used. {error}")
        return False
    if corpus.get_encoder_revision(encoder_id) in (None, here.revision):
        return True
    notes.append(
        f"{encoder_id} is here as another revision than the corpus was embedded by:"
        f" ./run embed {corpus.name} embeds everything anew."
    )
    return False


def _make_report(
    corpus: Corpus, faults: list[Fault], repaired_faults: list[Fault], notes: list[str]
) -> CheckReport:
    return CheckReport(
        corpus_name=corpus.name,
        counts=corpus.count_programs_by_state(),
        failures=corpus.count_failures_by_kind(),
        embeddings={name: number for name, _, number in corpus.list_encoders()},
        faults=faults,
        repaired_faults=repaired_faults,
        notes=notes,
    )


def _format_faults(label: str, faults: list[Fault]) -> list[str]:
    lines = []
    for kind, number in Counter(fault.kind for fault in faults).items():
        lines.append(f"{label}: {number} x {FAULT_KINDS[kind][0]}")
        some = [fault for fault in faults if fault.kind == kind]
        lines += [f"    {fault}" for fault in some[:MAX_DISPLAYED_FAULTS]]
        if number > MAX_DISPLAYED_FAULTS:
            lines.append(f"    … and {number - MAX_DISPLAYED_FAULTS} more")
    return lines
