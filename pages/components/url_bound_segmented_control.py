"""Choice among a few labelled options, which the URL holds."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from pages.components import session_keys
from pages.components.unknown_url_value_notice import (
    remember_unknown_url_value,
    warn_about_remembered_url_value,
)


def draw_choice_bound_to_url(
    label: str, option_labels: Mapping[str, str], key: session_keys.SessionKey[str], help: str = ""
) -> str:
    """Draw one segment per option and return the chosen option; at first, the key's default.

    Parameters
    ----------
    label : str
        For screen readers.
    option_labels : mapping of str to str
        The URL holds a label, so a new text needs an entry for old bookmarks.
    key : SessionKey
    help : str, optional
    """
    remember_unknown_url_value(key.name, option_labels.values())
    option = st.segmented_control(
        label,
        list(option_labels),
        default=key.default,
        required=True,
        key=key.name,
        bind="query-params",
        format_func=lambda option: option_labels[option],
        label_visibility="collapsed",
        width="content",
        help=help or None,
    )
    warn_about_remembered_url_value(key.name, label.lower(), option, option_labels[option])
    return option
