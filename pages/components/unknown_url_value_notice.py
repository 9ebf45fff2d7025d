"""Notice about a value in the URL that names nothing, instead of ignoring it silently."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import streamlit as st

from pages.components import markdown_and_errors, session_keys


class UnknownUrlValue(NamedTuple):
    """A value of the URL that no option has, and the option that the page shows instead."""

    value: str
    page_name: str
    shown_option: str | None


_UNKNOWN_VALUE: session_keys.SessionKey[UnknownUrlValue | None] = session_keys.SessionKey(
    "unknown_url_value", None
)


def remember_unknown_url_value(parameter: str, accepted_values: Collection[str]) -> None:
    """Remember the URL's value of a parameter if it is not accepted.

    Call this before the widget that is bound to the parameter is drawn: Streamlit then replaces
    the value in the URL by the default.

    Parameters
    ----------
    parameter : str
        Name of the parameter, which is also the widget's key.
    accepted_values : collection of str
        As the URL holds them: the labels of the options.
    """
    value = st.query_params.get(parameter)
    if value is None or value in accepted_values:
        return
    unknown = UnknownUrlValue(value, session_keys.CURRENT_PAGE.get_value(), None)
    _UNKNOWN_VALUE.derive_scoped_key(parameter).set_value(unknown)


def warn_about_remembered_url_value(
    parameter: str, noun: str, shown_option: str, label: str = ""
) -> None:
    """Draw that the URL named no option, until the user chooses one or opens another page.

    Parameters
    ----------
    parameter : str
        As for `remember_unknown_url_value`.
    noun : str
        What the parameter names: "corpus".
    shown_option : str
        The option that the widget returned.
    label : str, optional
        Its text. Default: the option.
    """
    key = _UNKNOWN_VALUE.derive_scoped_key(parameter)
    unknown = key.get_value()
    if unknown is None:
        return
    if unknown.shown_option is None:
        unknown = unknown._replace(shown_option=shown_option)
        key.set_value(unknown)
    if (unknown.page_name, unknown.shown_option) != (
        session_keys.CURRENT_PAGE.get_value(),
        shown_option,
    ):
        key.clear()
        return
    draw_unknown_url_value_warning(noun, unknown.value, label or shown_option)


def draw_unknown_url_value_warning(noun: str, value: str, shown_label: str = "") -> None:
    """Draw that the address names something that does not exist.

    Parameters
    ----------
    noun : str
        What the value should name: "corpus".
    value : str
        The URL's value. It may be hostile.
    shown_label : str, optional
        What the page shows instead.
    """
    suffix = (
        f" This page shows {markdown_and_errors.escape_markdown(shown_label)}."
        if shown_label
        else ""
    )
    st.warning(
        f"The address names the {noun} “{markdown_and_errors.escape_markdown(value, 80)}”, which"
        f" does not exist.{suffix}",
        icon=":material/link_off:",
    )
