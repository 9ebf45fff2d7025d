"""Choice of a file, or of a workspace of Sonic Pi, whose code replaces the editor's while followed.

What is followed is shown in place of the editor. Editing takes over only when the user asks for it.
"""

from __future__ import annotations

import streamlit as st

from core.errors import EarshotError
from core.sonicpi import live
from core.sonicpi.live.play_and_stop import is_sonic_pi_allowed
from core.sonicpi.live.saved_workspace_watcher import WHEN_SAVED, WORKSPACE_NAMES
from pages.components import code_editor, markdown_and_errors, session_keys

POLL_INTERVAL_SECONDS = 0.5
LAST_SAVED_WORKSPACE = "Workspace saved last"
WORKSPACE_LABELS = (LAST_SAVED_WORKSPACE, *(f"Workspace {n}" for n in range(len(WORKSPACE_NAMES))))


def is_following_file_or_workspace() -> bool:
    """Return whether this session follows a file or workspace, and may."""
    return session_keys.FOLLOWED_SOURCE.get_value() is not None and is_sonic_pi_allowed()


def draw_follow_control() -> None:
    """Draw the choice of what to follow; nothing where following is off.

    Following is off in read-only mode and when the dashboard is open to other people, who could
    read any file of this machine.
    """
    if not is_sonic_pi_allowed() or is_following_file_or_workspace():
        return
    with st.popover("Follow a file or Sonic Pi", icon=":material/visibility:", key="follow"):
        st.text_input("File", key=session_keys.FOLLOWED_PATH.name, placeholder="~/music/beat.rb")
        st.button("Follow file", on_click=_start_following_file, icon=":material/description:")
        st.selectbox("Sonic Pi", WORKSPACE_LABELS, key=session_keys.FOLLOWED_WORKSPACE.name)
        st.button(
            "Follow Sonic Pi", on_click=_start_following_workspace, icon=":material/music_note:"
        )
        st.caption(WHEN_SAVED)
    if error := session_keys.FOLLOW_ERROR.get_value():
        markdown_and_errors.show_error(error)


def draw_followed_code() -> str:
    """Draw the followed code, its source and the buttons that end following.

    Call it in place of the editor while `is_following_file_or_workspace`.

    Returns
    -------
    str
        The followed code; "" until the source has been read, or if it cannot be read.
    """
    watcher = session_keys.FOLLOWED_SOURCE.get_value()
    assert watcher is not None  # The caller has asked is_following_file_or_workspace.
    _poll_followed_source()
    change = watcher.last_change
    code = (change.code if change else None) or ""
    with st.container(border=True, key="followed-code", gap="small"):
        st.markdown(
            f":material/visibility: Follows {markdown_and_errors.escape_markdown(watcher.path)}"
        )
        if change is not None and change.error is not None:
            markdown_and_errors.show_error(change.error)
        else:
            st.code(code or "# Waiting for the first save.", language="ruby", height=345)
        with st.container(horizontal=True):
            st.button(
                "Edit this code", on_click=_copy_followed_code_to_editor, icon=":material/edit:"
            )
            st.button("Stop following", on_click=_stop_following, icon=":material/close:")
        if isinstance(watcher, live.SavedWorkspacesWatcher):
            st.caption(WHEN_SAVED)
    return code


@st.fragment(run_every=POLL_INTERVAL_SECONDS)
def _poll_followed_source() -> None:
    """Look for a change, and draw the page again when there is one."""
    watcher = session_keys.FOLLOWED_SOURCE.get_value()
    if watcher is not None and watcher.read_settled_change() is not None:
        st.rerun()


def _start_following_file() -> None:
    path = session_keys.FOLLOWED_PATH.get_value().strip()
    if not path:
        session_keys.FOLLOW_ERROR.set_value(EarshotError("Write the path of a file to follow."))
        return
    session_keys.FOLLOW_ERROR.clear()
    session_keys.FOLLOWED_SOURCE.set_value(live.SourceFileWatcher(path))


def _start_following_workspace() -> None:
    number = WORKSPACE_LABELS.index(session_keys.FOLLOWED_WORKSPACE.get_value()) - 1
    try:
        watcher = (
            live.SavedWorkspacesWatcher()
            if number < 0
            else live.SourceFileWatcher(live.get_workspace_path(number))
        )
    except EarshotError as error:
        session_keys.FOLLOW_ERROR.set_value(error)
        return
    session_keys.FOLLOW_ERROR.clear()
    session_keys.FOLLOWED_SOURCE.set_value(watcher)


def _copy_followed_code_to_editor() -> None:
    """Put the followed code into the editor and end following."""
    watcher = session_keys.FOLLOWED_SOURCE.get_value()
    if watcher is not None and watcher.last_change is not None:
        code_editor.set_editor_code(watcher.last_change.code or "")
    _stop_following()


def _stop_following() -> None:
    session_keys.FOLLOWED_SOURCE.clear()
