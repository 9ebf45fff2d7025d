"""What can be done with a whole corpus: import, export, check, data card, delete."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import streamlit as st

from core import jobs, workspace
from core.corpus import Corpus, contents, delete_corpus, list_corpora
from core.jobs import Job
from core.pipeline import import_programs, import_embeddings
from core.pipeline.data_card import data_card
from pages.components import job_panel, formatting

SUFFIXES = ["rb", "zip", "csv", "parquet"]
VECTOR_SUFFIXES = ["csv", "parquet"]
UPLOAD_MIB = 64  # larger ones are imported by ./run import, without going through a browser
FORMATS = {
    "zip": "Zip: programs as .rb files, their clips, a table of both",
    "parquet": "Parquet: one table with programs, parameters, states and embeddings",
    "audiofolder": "Audio folder: what Hugging Face datasets load, with the splits",
}


def buttons(corpus: Corpus) -> None:
    """Draw a button for each of these deeds; in read-only mode only for those that read."""
    may_write = not workspace.read_only()
    import_button(corpus)
    if may_write and st.button("Export", icon=":material/download:"):
        export_dialog(corpus)
    if may_write and st.button("Check", icon=":material/verified:"):
        check_dialog(corpus)
    if st.button("Data card", icon=":material/description:"):
        card_dialog(corpus)
    if may_write and st.button("Delete", icon=":material/delete:"):
        delete_dialog(corpus)


def import_button(corpus: Corpus | None) -> None:
    """Draw the button that imports programs from outside."""
    if not workspace.read_only() and st.button("Import", icon=":material/upload:"):
        import_dialog(corpus)


def turn() -> None:
    """Choose the corpus that a dialog led to: before the sidebar draws the choice."""
    if "turn-to" in st.session_state:
        name = st.session_state.pop("turn-to")
        for key in ("corpus", "alignment", "program", "kept:program"):
            st.session_state.pop(key, None)
            st.query_params.pop(key, None)
        if name is not None:
            st.session_state["corpus"] = name


def _turn_to(name: str | None) -> None:
    st.session_state["turn-to"] = name
    st.rerun()


def news(corpus: Corpus) -> None:
    """Draw what these deeds are at, or have come to."""
    if (report := st.session_state.get("imported")) and report.corpus == corpus.name:
        with st.container(border=True, key="import-report"):
            with st.container(horizontal=True, vertical_alignment="center"):
                vectors = isinstance(report, import_embeddings.VectorReport)
                added = formatting.count(report.added, "new vector" if vectors else "new program")
                st.markdown(f"**{added} of {report.found:,} read**", width="stretch")
                st.button("Close", key="close-report", on_click=_forget_report)
            more = str(report).split("\n", 1)[1:]
            if more:
                st.code(more[0], language=None, height=120)
    done = st.session_state.setdefault("care-closed", set())
    for each in (
        job_panel.latest("build", corpus.name),
        job_panel.latest("export", corpus.name),
        job_panel.latest("check", corpus.name),
    ):
        if each is None or each.id in done:
            continue
        if each.active or (each.argv[0] != "build" and time.time() - (each.ended or 0) < 3600):
            job_panel.panel(each, _came)


def _forget_report() -> None:
    st.session_state.pop("imported", None)


def _came(of: Job) -> None:
    """Draw what a job has come to, in its own last words."""
    if of.active:
        return
    if of.argv[0] == "check":
        st.code(of.log_tail(12).strip() or "Nothing was said.", language=None)
        if of.state == "failed" and "--repair" not in of.argv and not workspace.read_only():
            st.button(
                "Repair",
                key=f"repair-{of.id}",
                icon=":material/build:",
                on_click=_start,
                args=(("check", of.argv[1], "--repair"), "Repair " + of.argv[1]),
            )
    elif of.state == "done":
        offer(Path(of.argv[of.argv.index("--out") + 1]))
    st.button("Close", key=f"close-{of.id}", on_click=_close, args=(of.id,))


def _close(job_id: str) -> None:
    st.session_state["care-closed"].add(job_id)


def offer(path: Path) -> None:
    """Draw where an export lies, and a button that brings it to the browser."""
    if not path.exists():
        st.caption("The export was removed since.")
        return
    st.markdown(f"It lies in `{path}`.")
    if path.is_file():
        st.download_button(
            f"Download ({formatting.size(path.stat().st_size)})",
            path.read_bytes,
            path.name,
            key=f"download-{path.name}",
            icon=":material/download:",
            on_click="ignore",
        )


def _start(argv: tuple[str, ...], title: str) -> None:
    with formatting.errors():
        jobs.start(list(argv), title)


@st.dialog("Import", icon=":material/upload:")
def import_dialog(corpus: Corpus | None) -> None:
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
    import_of_programs(corpus) if what == "Programs" else import_of_vectors(corpus)


def import_of_programs(corpus: Corpus | None) -> None:
    """Draw what is imported and where to; import it at once, and render it as a job."""
    given = st.file_uploader(
        "Programs",
        SUFFIXES,
        key="import-file",
        max_upload_size=UPLOAD_MIB,
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
        with formatting.errors(), st.spinner("Reading the programs …"):
            st.session_state["imported"] = import_programs.import_programs(
                name, given.getvalue(), given.name, licence=licence or None
            )
            jobs.start(["build", name, "--finish"], f"Render and embed {name}")
            _turn_to(name)


def import_of_vectors(corpus: Corpus) -> None:
    """Draw what the vectors are of and called; import them at once."""
    given = st.file_uploader(
        "Vectors",
        VECTOR_SUFFIXES,
        key="import-vectors",
        max_upload_size=UPLOAD_MIB,
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
        with formatting.errors(), st.spinner("Reading the vectors …"):
            st.session_state["imported"] = import_embeddings.import_vectors(
                corpus.name, given.getvalue(), modality, name, file=given.name
            )
            st.rerun()


@st.dialog("Export the corpus", icon=":material/download:")
def export_dialog(corpus: Corpus) -> None:
    """Draw the formats; write the chosen one as a job."""
    kind = st.radio("Format", list(FORMATS), key="export-format", format_func=FORMATS.get)
    size = contents(corpus.name).bytes
    free = shutil.disk_usage(corpus.path).free
    st.caption(f"The corpus takes {formatting.size(size)}; {formatting.size(free)} are free.")
    if st.button("Export it", type="primary"):
        with formatting.errors():
            suffix = {"zip": ".zip", "parquet": ".parquet", "audiofolder": ""}[kind]
            stamp = time.strftime("%Y%m%d-%H%M%S")
            out = workspace.root() / "exports" / f"{corpus.name}-{stamp}{suffix}"
            jobs.start(
                ["export", corpus.name, "--format", kind, "--out", str(out)],
                f"Export {corpus.name}",
            )
            st.rerun()


@st.dialog("Check the corpus", icon=":material/verified:")
def check_dialog(corpus: Corpus) -> None:
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
        with formatting.errors():
            argv = ["check", corpus.name, *(["--repair"] if repair else [])]
            jobs.start(argv, f"{'Repair' if repair else 'Check'} {corpus.name}")
            st.rerun()


@st.dialog("Data card", width="large", icon=":material/description:")
def card_dialog(corpus: Corpus) -> None:
    """Draw what is known of the corpus: contents, sources, versions, licences."""
    with formatting.errors():
        card = data_card(corpus.name)
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
def delete_dialog(corpus: Corpus) -> None:
    """Name what goes, and delete it once that is confirmed."""
    with formatting.errors():
        gone = contents(corpus.name)
        st.markdown(
            f"**{formatting.plain(gone.corpus)}** goes with all that is in it, and cannot be brought back:"
            f"\n\n- {formatting.count(gone.programs, 'program')}\n- {formatting.count(gone.clips, 'clip')}"
            f"\n- {formatting.count(gone.embeddings, 'embedding')}"
            f"\n- {formatting.count(gone.alignments, 'alignment')} with maps and metrics"
            f"\n\n{formatting.size(gone.bytes)} in `{gone.path}`."
        )
        with st.container(horizontal=True):
            if st.button(
                f"Delete {formatting.plain(gone.corpus)}", type="primary", key="delete-it"
            ):
                with st.spinner("Deleting …"):
                    delete_corpus(corpus.name)
                _turn_to(None)
            if st.button("Keep it"):
                st.rerun()
