"""Actions on a whole corpus and their dialogs: import, export, check, data card, delete."""

from __future__ import annotations

import time
from pathlib import Path

import streamlit as st

from core import jobs, workspace
from core.corpus import Corpus, count_corpus_contents, delete_corpus, list_corpora
from core.corpus.embedding_deletion import delete_embeddings
from core.jobs import Job
from core.pipeline import import_embeddings, import_programs
from core.pipeline.corpus_data_card import make_data_card
from core.pipeline.corpus_export import make_export_path
from core.pipeline.generate_render_and_embed_corpus import ClipFormat
from pages.components import (
    corpus_and_alignment_picker,
    job_panel,
    markdown_and_errors,
    session_keys,
)
from pages.components.sonic_pi_version_choice import draw_sonic_pi_choice
from pages.corpus import data_card_view, sample_folder_controls

PROGRAM_FILE_TYPES = ["rb", "zip", "csv", "tsv", "parquet"]
EMBEDDING_FILE_TYPES = ["csv", "tsv", "parquet"]
MAX_UPLOAD_MIB = 64  # `./run import` takes larger files, which then need no browser.
MAX_ENDED_JOB_AGE_S = 3600.0
EXPORT_FORMAT_LABELS = {
    "zip": "Zip: programs as .rb files, their clips, and a table of both",
    "parquet": "Parquet: one table with programs, parameters, states and embeddings",
    "audiofolder": "Audio folder: for Hugging Face datasets, with the splits",
    "atlas": "Atlas: for embedding-atlas, with projection, neighbours and audio",
    "shards": "Shards: tar files for WebDataset, by split",
}
MODALITY_LABELS = {"code": "Code", "audio": "Audio"}


def draw_corpus_action_buttons(corpus: Corpus) -> None:
    """Draw a button for each action; in read-only mode only for the data card."""
    can_write = not workspace.is_workspace_read_only()
    draw_import_button(corpus)
    if can_write and st.button("Export", icon=":material/download:"):
        open_corpus_export_dialog(corpus)
    if can_write and st.button("Check", icon=":material/verified:"):
        open_corpus_check_dialog(corpus)
    if can_write and st.button("Samples", icon=":material/folder_open:"):
        sample_folder_controls.open_sample_folder_dialog(corpus)
    if st.button("Data card", icon=":material/description:"):
        open_data_card_dialog(corpus)
    if can_write and st.button("Delete", icon=":material/delete:"):
        open_corpus_deletion_dialog(corpus)


def draw_import_button(corpus: Corpus | None) -> None:
    """Draw the button that opens the import."""
    if not workspace.is_workspace_read_only() and st.button("Import", icon=":material/upload:"):
        open_program_and_embedding_import_dialog(corpus)


def select_corpus_requested_by_dialog() -> None:
    """Select the corpus that a dialog requested; call it before the sidebar draws the choice."""
    if not session_keys.REQUESTED_CORPUS.is_set():
        return
    corpus_name = session_keys.REQUESTED_CORPUS.get_value()
    session_keys.REQUESTED_CORPUS.clear()
    session_keys.PROGRAM.remove_from_url_and_session()
    # Streamlit writes the value of a bound widget to the URL and refuses other writes, so the
    # choice itself changes.
    session_keys.ALIGNMENT.clear()
    corpus_names = list_corpora()
    if corpus_name is None and corpus_names:
        index = corpus_and_alignment_picker.find_default_corpus_index(corpus_names)
        corpus_name = corpus_names[index]
    if corpus_name is None:
        session_keys.CORPUS.clear()
    else:
        session_keys.CORPUS.set_value(corpus_name)


def _request_corpus_selection(corpus_name: str | None) -> None:
    session_keys.REQUESTED_CORPUS.set_value(corpus_name)
    st.rerun()


# -- what the actions did ---------------------------------------------------------------------


def draw_corpus_jobs(corpus: Corpus) -> None:
    """Draw the report of the last import, and the jobs that the actions started."""
    draw_import_report(corpus)
    dismissed_ids = session_keys.DISMISSED_JOBS.get_value()
    for command in ("build", "export", "check"):
        job = job_panel.find_latest_job_of_command(command, corpus.name)
        if job is None or job.id in dismissed_ids:
            continue
        has_just_ended = time.time() - (job.ended or 0) < MAX_ENDED_JOB_AGE_S
        if job.is_active or (command != "build" and has_just_ended):
            job_panel.draw_job_panel(job, _draw_job_result)


def draw_import_report(corpus: Corpus) -> None:
    """Draw what the last import added to this corpus, until it is closed."""
    report = session_keys.IMPORT_REPORT.get_value()
    if report is None or report.corpus_name != corpus.name:
        return
    if isinstance(report, import_embeddings.VectorImportReport):
        added = markdown_and_errors.pluralize(report.vectors_added, "new embedding")
        read_count = report.vectors_read
    else:
        added = markdown_and_errors.pluralize(report.programs_added, "new program")
        read_count = report.programs_read
    with st.container(border=True, key="import-report"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{added} of {read_count:,} read**", width="stretch")
            st.button("Close", key="close-report", on_click=session_keys.IMPORT_REPORT.clear)
        _, _, details = str(report).partition("\n")
        if details:
            st.code(details, language=None, height=120)


def _draw_job_result(job: Job) -> None:
    """Draw the result of an ended job: the log of a check, or the file of an export."""
    if job.is_active:
        return
    if job.argv[0] == "check":
        st.code(job.read_log_tail(12).strip() or "The log is empty.", language=None)
        if (
            job.state == "failed"
            and "--repair" not in job.argv
            and not workspace.is_workspace_read_only()
        ):
            corpus_name = job.argv[1]
            st.button(
                "Repair",
                key=f"repair-{job.id}",
                icon=":material/build:",
                on_click=job_panel.start_background_job,
                args=(("check", corpus_name, "--repair"), f"Repair {corpus_name}"),
            )
    elif job.state == "done":
        draw_export_link(Path(job.argv[job.argv.index("--out") + 1]))
    st.button("Close", key=f"close-{job.id}", on_click=_dismiss_job_result, args=(job.id,))


def _dismiss_job_result(job_id: str) -> None:
    session_keys.DISMISSED_JOBS.set_value(session_keys.DISMISSED_JOBS.get_value() | {job_id})


def draw_export_link(export_path: Path) -> None:
    """Draw where an export was saved, and the button that downloads it."""
    if not export_path.exists():
        st.caption("The export was removed.")
        return
    st.markdown(f"Saved to `{export_path}`")
    if export_path.is_file():
        st.download_button(
            f"Download ({markdown_and_errors.format_bytes(export_path.stat().st_size)})",
            export_path.read_bytes,
            export_path.name,
            key=f"download-{export_path.name}",
            icon=":material/download:",
            on_click="ignore",
        )


# -- dialogs ----------------------------------------------------------------------------------


@st.dialog("Import", icon=":material/upload:")
def open_program_and_embedding_import_dialog(corpus: Corpus | None) -> None:
    """Draw the import of programs or embeddings."""
    import_type = "Programs"
    if corpus is not None:
        import_type = st.segmented_control(
            "Import type",
            ["Programs", "Embeddings"],
            default="Programs",
            required=True,
            key="import-type",
            label_visibility="collapsed",
        )
    if corpus is None or import_type == "Programs":
        draw_program_import(corpus)
    else:
        draw_embedding_import(corpus)


def draw_program_import(corpus: Corpus | None) -> None:
    """Draw the file and the corpus; import at once, then render and embed as a job."""
    file = st.file_uploader(
        "Programs",
        PROGRAM_FILE_TYPES,
        key="import-file",
        max_upload_size=MAX_UPLOAD_MIB,
        help="One .rb file, a .zip of them, or a table with a column `source`."
        " For larger files use ./run import.",
    )
    corpus_names = list_corpora()
    corpus_name = st.selectbox(
        "Corpus",
        corpus_names,
        corpus_names.index(corpus.name) if corpus else None,
        key="import-corpus",
        accept_new_options=True,
        placeholder="A new name",
        help="Choose one to add to, or type a new name.",
    )
    licence = st.text_input(
        "Licence", key="import-licence", placeholder="For the data card, if you know it"
    )
    sample_folders = sample_folder_controls.draw_sample_folder_field("import-sample-folders")
    clip_format = None
    if corpus_name and corpus_name not in corpus_names:
        clip_format = ClipFormat(sonic_pi=draw_sonic_pi_choice(session_keys.IMPORT_SONIC_PI))
    is_incomplete = file is None or not corpus_name
    if not st.button("Import", type="primary", key="confirm-import", disabled=is_incomplete):
        return
    if file is None or corpus_name is None:
        return
    with (
        markdown_and_errors.catch_and_show_errors(),
        st.spinner("Reading the programs …"),
    ):
        report = import_programs.import_programs(
            corpus_name,
            file.getvalue(),
            file.name,
            licence=licence or None,
            clip_format=clip_format,
            sample_folders=sample_folders,
        )
        session_keys.IMPORT_REPORT.set_value(report)
        jobs.start_job(["build", corpus_name, "--resume"], f"Render and embed {corpus_name}")
        _request_corpus_selection(corpus_name)


def draw_embedding_import(corpus: Corpus) -> None:
    """Draw the file, the modality and the name of the embeddings; import at once."""
    file = st.file_uploader(
        "Embeddings",
        EMBEDDING_FILE_TYPES,
        key="import-embeddings",
        max_upload_size=MAX_UPLOAD_MIB,
        help="A table with one row per program: the program in a column `program`, `source` or"
        " `name`, its embedding in a column `vector`. For larger files use"
        " ./run import --vectors.",
    )
    modality = st.segmented_control(
        "Modality",
        list(MODALITY_LABELS),
        default="code",
        required=True,
        key="import-modality",
        format_func=lambda option: MODALITY_LABELS[option],
    )
    name = st.text_input("Name", key="import-name", placeholder="For example, of the encoder")
    st.caption(
        "Train lists these embeddings as an encoder. Snippets cannot be embedded with them, so"
        " Listen cannot use an alignment trained on imported code embeddings."
    )
    is_incomplete = file is None or not name
    is_confirmed = st.button("Import", type="primary", key="confirm-import", disabled=is_incomplete)
    draw_imported_embedding_deletion(corpus)
    if not is_confirmed or file is None:
        return
    with (
        markdown_and_errors.catch_and_show_errors(),
        st.spinner("Reading the embeddings …"),
    ):
        report = import_embeddings.import_external_embeddings(
            corpus, file.getvalue(), modality, name, file_name=file.name
        )
        session_keys.IMPORT_REPORT.set_value(report)
        st.rerun()


def draw_imported_embedding_deletion(corpus: Corpus) -> None:
    """Draw a button that deletes each kind of imported embeddings; nothing where there are none."""
    imported = [
        (encoder_id, count)
        for encoder_id, _, count in corpus.count_embeddings_by_encoder()
        if encoder_id.startswith("own/")
    ]
    for encoder_id, count in imported:
        if st.button(
            f"Delete the {markdown_and_errors.pluralize(count, 'embedding')} by"
            f" {markdown_and_errors.escape_markdown(encoder_id)}",
            type="tertiary",
            icon=":material/delete:",
            key=f"delete-{encoder_id}",
        ):
            with markdown_and_errors.catch_and_show_errors():
                delete_embeddings(corpus, encoder_id)
                st.rerun()


@st.dialog("Export the corpus", icon=":material/download:")
def open_corpus_export_dialog(corpus: Corpus) -> None:
    """Draw the formats; export as a job."""
    st.markdown(f"Corpus **{markdown_and_errors.escape_markdown(corpus.name)}**")
    export_format = st.radio(
        "Format",
        list(EXPORT_FORMAT_LABELS),
        key="export-format",
        format_func=lambda option: EXPORT_FORMAT_LABELS[option],
    )
    size_bytes = count_corpus_contents(corpus).size_bytes
    free_bytes = workspace.get_free_bytes(corpus.path)
    st.caption(
        f"The corpus takes {markdown_and_errors.format_bytes(size_bytes)};"
        f" {markdown_and_errors.format_bytes(free_bytes)} are free."
    )
    if st.button("Export", type="primary", key="confirm-export"):
        with markdown_and_errors.catch_and_show_errors():
            export_path = make_export_path(corpus.name, export_format)
            argv = ["export", corpus.name, "--format", export_format, "--out", str(export_path)]
            jobs.start_job(argv, f"Export {corpus.name}")
            st.rerun()


@st.dialog("Check the corpus", icon=":material/verified:")
def open_corpus_check_dialog(corpus: Corpus) -> None:
    """Draw the option to repair; check as a job."""
    st.markdown(
        f"Reads every program, clip, embedding and alignment of"
        f" **{markdown_and_errors.escape_markdown(corpus.name)}** and reports damage."
    )
    should_repair = st.toggle(
        "Also repair",
        key="check-repair",
        help="Removes what is damaged, then renders and embeds only what is missing.",
    )
    if st.button("Check", type="primary", key="confirm-check"):
        with markdown_and_errors.catch_and_show_errors():
            argv = ["check", corpus.name, *(["--repair"] if should_repair else [])]
            jobs.start_job(argv, f"{'Repair' if should_repair else 'Check'} {corpus.name}")
            st.rerun()


@st.dialog("Data card", width="large", icon=":material/description:")
def open_data_card_dialog(corpus: Corpus) -> None:
    """Draw a corpus's data card: contents, sources, versions and licences."""
    with markdown_and_errors.catch_and_show_errors():
        card = make_data_card(corpus)
        st.download_button(
            "Download",
            card.markdown_text,
            f"{corpus.name}.md",
            "text/markdown",
            on_click="ignore",
            icon=":material/download:",
        )
        data_card_view.draw_data_card(card)


@st.dialog("Delete the corpus?", icon=":material/delete:")
def open_corpus_deletion_dialog(corpus: Corpus) -> None:
    """Draw what would be deleted; delete the corpus once that is confirmed."""
    if not corpus.path.exists():  # Deleted in another tab or by a command.
        st.info(f"Corpus {markdown_and_errors.escape_markdown(corpus.name)} is already deleted.")
        if st.button("Close", key="close-delete"):
            _request_corpus_selection(None)
        return
    with markdown_and_errors.catch_and_show_errors():
        contents = count_corpus_contents(corpus)
        escaped_name = markdown_and_errors.escape_markdown(contents.corpus_name)
        st.markdown(
            f"**{escaped_name}** and everything in it will be deleted permanently:"
            f"\n\n- {markdown_and_errors.pluralize(contents.program_count, 'program')}"
            f"\n- {markdown_and_errors.pluralize(contents.clip_count, 'clip')}"
            f"\n- {markdown_and_errors.pluralize(contents.embedding_count, 'embedding')}"
            f"\n- {markdown_and_errors.pluralize(contents.alignment_count, 'alignment')}"
            " with maps and"
            " metrics"
            f"\n\n{markdown_and_errors.format_bytes(contents.size_bytes)} in `{contents.path}`."
        )
        with st.container(horizontal=True):
            if st.button(f"Delete {escaped_name}", type="primary", key="confirm-delete"):
                with st.spinner("Deleting …"):
                    jobs.require_that_no_job_uses_corpus(corpus.name)
                    delete_corpus(corpus)
                _request_corpus_selection(None)
            if st.button("Cancel"):
                st.rerun()
