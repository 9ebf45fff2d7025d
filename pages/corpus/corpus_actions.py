"""What can be done with a whole corpus: import, export, check, data card, delete."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import streamlit as st

from core import jobs, workspace
from core.corpus import Corpus, measure_corpus_contents, delete_corpus, list_corpora
from core.jobs import Job
from core.pipeline import import_programs, import_embeddings
from core.pipeline.data_card import make_data_card
from pages.components import job_panel, formatting

PROGRAM_FILE_TYPES = ["rb", "zip", "csv", "parquet"]
EMBEDDING_FILE_TYPES = ["csv", "parquet"]
MAX_UPLOAD_MIB = 64  # larger ones are imported by ./run import, without going through a browser
EXPORT_FORMAT_LABELS = {
    "zip": "Zip: programs as .rb files, their clips, a table of both",
    "parquet": "Parquet: one table with programs, parameters, states and embeddings",
    "audiofolder": "Audio folder: what Hugging Face datasets load, with the splits",
}


def draw_corpus_buttons(corpus: Corpus) -> None:
    """Draw a button for each of these deeds; in read-only mode only for those that read."""
    may_write = not workspace.is_read_only()
    draw_import_button(corpus)
    if may_write and st.button("Export", icon=":material/download:"):
        open_export_dialog(corpus)
    if may_write and st.button("Check", icon=":material/verified:"):
        open_check_dialog(corpus)
    if st.button("Data card", icon=":material/description:"):
        open_data_card_dialog(corpus)
    if may_write and st.button("Delete", icon=":material/delete:"):
        open_delete_dialog(corpus)


def draw_import_button(corpus: Corpus | None) -> None:
    """Draw the button that imports programs from outside."""
    if not workspace.is_read_only() and st.button("Import", icon=":material/upload:"):
        open_import_dialog(corpus)


def apply_corpus_switch() -> None:
    """Choose the corpus that a dialog led to: before the sidebar draws the choice."""
    if "turn-to" in st.session_state:
        name = st.session_state.pop("turn-to")
        for key in ("corpus", "alignment", "program", "kept:program"):
            st.session_state.pop(key, None)
            st.query_params.pop(key, None)
        if name is not None:
            st.session_state["corpus"] = name


def _request_corpus_switch(corpus_name: str | None) -> None:
    st.session_state["turn-to"] = corpus_name
    st.rerun()


def draw_corpus_jobs(corpus: Corpus) -> None:
    """Draw what these deeds are at, or have come to."""
    if (report := st.session_state.get("imported")) and report.corpus == corpus.name:
        with st.container(border=True, key="import-report"):
            with st.container(horizontal=True, vertical_alignment="center"):
                vectors = isinstance(report, import_embeddings.VectorImportReport)
                added = formatting.format_count(report.added, "new vector" if vectors else "new program")
                st.markdown(f"**{added} of {report.found:,} read**", width="stretch")
                st.button("Close", key="close-report", on_click=_dismiss_import_report)
            more = str(report).split("\n", 1)[1:]
            if more:
                st.code(more[0], language=None, height=120)
    done = st.session_state.setdefault("care-closed", set())
    for each in (
        job_panel.find_latest_job("build", corpus.name),
        job_panel.find_latest_job("export", corpus.name),
        job_panel.find_latest_job("check", corpus.name),
    ):
        if each is None or each.id in done:
            continue
        if each.is_active or (each.argv[0] != "build" and time.time() - (each.ended or 0) < 3600):
            job_panel.draw_job_panel(each, _draw_job_result)


def _dismiss_import_report() -> None:
    st.session_state.pop("imported", None)


def _draw_job_result(job: Job) -> None:
    """Draw what a job has come to, in its own last words."""
    if job.is_active:
        return
    if job.argv[0] == "check":
        st.code(job.read_log_tail(12).strip() or "Nothing was said.", language=None)
        if job.state == "failed" and "--repair" not in job.argv and not workspace.is_read_only():
            st.button(
                "Repair",
                key=f"repair-{job.id}",
                icon=":material/build:",
                on_click=_start_job,
                args=(("check", job.argv[1], "--repair"), "Repair " + job.argv[1]),
            )
    elif job.state == "done":
        draw_export_link(Path(job.argv[job.argv.index("--out") + 1]))
    st.button("Close", key=f"close-{job.id}", on_click=_dismiss_job, args=(job.id,))


def _dismiss_job(job_id: str) -> None:
    st.session_state["care-closed"].add(job_id)


def draw_export_link(export_path: Path) -> None:
    """Draw where an export lies, and a button that brings it to the browser."""
    if not export_path.exists():
        st.caption("The export was removed since.")
        return
    st.markdown(f"It lies in `{export_path}`.")
    if export_path.is_file():
        st.download_button(
            f"Download ({formatting.format_bytes(export_path.stat().st_size)})",
            export_path.read_bytes,
            export_path.name,
            key=f"download-{export_path.name}",
            icon=":material/download:",
            on_click="ignore",
        )


def _start_job(argv: tuple[str, ...], title: str) -> None:
    with formatting.catch_and_show_errors():
        jobs.start_job(list(argv), title)


@st.dialog("Import", icon=":material/upload:")
def open_import_dialog(corpus: Corpus | None) -> None:
    """Draw what is imported and where to: programs, or vectors of programs that are there."""
    what = "Programs"
    if corpus is not None:
        what = st.segmented_control(
            "What",
            ["Programs", "Vectors"],
            default="Programs",
            required=True,
            key="import-what",
            label_visibility="collapsed",
        )
    draw_program_import(corpus) if what == "Programs" else draw_embedding_import(corpus)


def draw_program_import(corpus: Corpus | None) -> None:
    """Draw what is imported and where to; import it at once, and render it as a job."""
    given = st.file_uploader(
        "Programs",
        PROGRAM_FILE_TYPES,
        key="import-file",
        max_upload_size=MAX_UPLOAD_MIB,
        help="One .rb file, a .zip of them, or a table with a column `source`."
        " Larger ones: ./run import.",
    )
    names = list_corpora()
    name = st.selectbox(
        "Corpus",
        names,
        names.index(corpus.name) if corpus else None,
        key="import-into",
        accept_new_options=True,
        placeholder="A new name",
        help="Choose one to add to, or type a new name.",
    )
    licence = st.text_input(
        "Licence", key="import-licence", placeholder="For the data card, if you know it"
    )
    if st.button("Import them", type="primary", disabled=not (given and name)):
        with formatting.catch_and_show_errors(), st.spinner("Reading the programs …"):
            st.session_state["imported"] = import_programs.import_programs(
                name, given.getvalue(), given.name, licence=licence or None
            )
            jobs.start_job(["build", name, "--resume"], f"Render and embed {name}")
            _request_corpus_switch(name)


def draw_embedding_import(corpus: Corpus) -> None:
    """Draw what the vectors are of and called; import them at once."""
    given = st.file_uploader(
        "Vectors",
        EMBEDDING_FILE_TYPES,
        key="import-vectors",
        max_upload_size=MAX_UPLOAD_MIB,
        help="A table with a row a program: whose it is in a column `program`, `source` or"
        " `name`, its vector in a column `vector`. Larger ones: ./run import --vectors.",
    )
    modality = st.segmented_control(
        "Of what",
        ["code", "audio"],
        default="code",
        required=True,
        key="import-modality",
        format_func={"code": "Code", "audio": "Sound"}.get,
    )
    name = st.text_input("Name", key="import-called", placeholder="By which encoder, for example")
    st.caption(
        "Train then offers them among the other encoders. Snippets can't be compared by code"
        " vectors of your own: nothing here can make more of them."
    )
    if st.button("Import them", type="primary", disabled=not (given and name)):
        with formatting.catch_and_show_errors(), st.spinner("Reading the vectors …"):
            st.session_state["imported"] = import_embeddings.import_vectors(
                corpus, given.getvalue(), modality, name, file_name=given.name
            )
            st.rerun()


@st.dialog("Export the corpus", icon=":material/download:")
def open_export_dialog(corpus: Corpus) -> None:
    """Draw the formats; write the chosen one as a job."""
    kind = st.radio("Format", list(EXPORT_FORMAT_LABELS), key="export-format", format_func=EXPORT_FORMAT_LABELS.get)
    size = measure_corpus_contents(corpus).size_bytes
    free = shutil.disk_usage(corpus.path).free
    st.caption(f"The corpus takes {formatting.format_bytes(size)}; {formatting.format_bytes(free)} are free.")
    if st.button("Export it", type="primary"):
        with formatting.catch_and_show_errors():
            suffix = {"zip": ".zip", "parquet": ".parquet", "audiofolder": ""}[kind]
            stamp = time.strftime("%Y%m%d-%H%M%S")
            out = workspace.get_workspace_root() / "exports" / f"{corpus.name}-{stamp}{suffix}"
            jobs.start_job(
                ["export", corpus.name, "--format", kind, "--out", str(out)],
                f"Export {corpus.name}",
            )
            st.rerun()


@st.dialog("Check the corpus", icon=":material/verified:")
def open_check_dialog(corpus: Corpus) -> None:
    """Draw whether to repair; check as a job."""
    st.markdown(
        "Reads every program, clip, embedding and alignment, and says what is damaged or missing."
    )
    repair = st.toggle(
        "Repair as well",
        key="check-repair",
        help="Removes what is damaged, then renders and embeds what is missing, nothing else.",
    )
    if st.button("Check it", type="primary"):
        with formatting.catch_and_show_errors():
            argv = ["check", corpus.name, *(["--repair"] if repair else [])]
            jobs.start_job(argv, f"{'Repair' if repair else 'Check'} {corpus.name}")
            st.rerun()


@st.dialog("Data card", width="large", icon=":material/description:")
def open_data_card_dialog(corpus: Corpus) -> None:
    """Draw what is known of the corpus: contents, sources, versions, licences."""
    with formatting.catch_and_show_errors():
        card = make_data_card(corpus)
        st.download_button(
            "Download",
            card.markdown,
            f"{corpus.name}.md",
            "text/markdown",
            on_click="ignore",
            icon=":material/download:",
        )
        # As text: names in it come from other people's files.
        st.code(card.markdown, language="markdown", height=420, wrap_lines=True)


@st.dialog("Delete the corpus?", icon=":material/delete:")
def open_delete_dialog(corpus: Corpus) -> None:
    """Name what goes, and delete it once that is confirmed."""
    with formatting.catch_and_show_errors():
        gone = measure_corpus_contents(corpus)
        st.markdown(
            f"**{formatting.escape_markdown(gone.corpus_name)}** goes with all that is in it, and cannot be brought back:"
            f"\n\n- {formatting.format_count(gone.program_count, 'program')}\n- {formatting.format_count(gone.clip_count, 'clip')}"
            f"\n- {formatting.format_count(gone.embedding_count, 'embedding')}"
            f"\n- {formatting.format_count(gone.alignment_count, 'alignment')} with maps and metrics"
            f"\n\n{formatting.format_bytes(gone.size_bytes)} in `{gone.path}`."
        )
        with st.container(horizontal=True):
            if st.button(
                f"Delete {formatting.escape_markdown(gone.corpus_name)}", type="primary", key="delete-it"
            ):
                with st.spinner("Deleting …"):
                    delete_corpus(corpus)
                _request_corpus_switch(None)
            if st.button("Keep it"):
                st.rerun()
