"""Folders of own samples: the field of the import, and the dialog of a corpus's folders."""

from __future__ import annotations

import streamlit as st

from core import jobs
from core.corpus import Corpus
from core.pipeline.user_sample_folders import (
    list_corpus_sample_folders,
    set_corpus_sample_folders,
)
from pages.components import markdown_and_errors

FIELD_HELP = (
    "One folder per line, with its full path on the machine that runs Earshot. The programs may"
    " read everything in these folders, and nothing else outside the sandbox."
)


def draw_sample_folder_field(key: str, folders: list[str] | None = None) -> list[str]:
    """Draw the field for folders of samples; return what was typed, without empty lines.

    Parameters
    ----------
    key : str
        Unique on the page.
    folders : list of str, optional
        The folders that it shows first.
    """
    text = st.text_area(
        "Sample folders",
        "\n".join(folders or []),
        key=key,
        height=68,
        placeholder="/home/me/samples, if the programs use own samples",
        help=FIELD_HELP,
    )
    return [line.strip() for line in text.splitlines() if line.strip()]


@st.dialog("Sample folders", icon=":material/folder_open:")
def open_sample_folder_dialog(corpus: Corpus) -> None:
    """Draw the folders that a corpus's programs may read; store others and render again."""
    with markdown_and_errors.catch_and_show_errors():
        stored_folders = list_corpus_sample_folders(corpus)
        escaped_name = markdown_and_errors.escape_markdown(corpus.name)
        st.markdown(f"What programs of **{escaped_name}** may read beside Sonic Pi's samples.")
        for folder in stored_folders:
            if not folder.is_dir():
                st.warning(f"{markdown_and_errors.escape_markdown(str(folder))} is not there.")
        stored_names = [str(folder) for folder in stored_folders]
        folders = draw_sample_folder_field("sample-folders", stored_names)
        st.caption("Programs that failed or did not find a sample are then rendered again.")
        if not st.button(
            "Save and render", type="primary", key="save-sample-folders", icon=":material/save:"
        ):
            return
        set_corpus_sample_folders(corpus, folders)
        jobs.start_job(["build", corpus.name, "--resume"], f"Render and embed {corpus.name}")
        st.rerun()
