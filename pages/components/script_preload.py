"""Links that load Streamlit's scripts and fonts before the page's first element needs them.

Streamlit fetches the script of each kind of element when it first draws one. Until it has arrived,
a placeholder of another height takes the element's place, and what is below moves when it goes.
Text in a font that arrives later has another width, so its lines may break elsewhere.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import streamlit as st

SCRIPT_FOLDER = Path(st.__file__).parent / "static" / "static" / "js"
FONT_FOLDER = SCRIPT_FOLDER.parent / "media"
# Icons and code; Streamlit preloads the font of the text.
FONTS = ("MaterialSymbols-Rounded", "SourceCodeVF-Upright")
# Elements of the sidebar and of nearly every page.
COMMON_ELEMENTS = ("Html", "Button", "Selectbox", "ButtonGroup", "BidiComponent", "Checkbox")
# Larger scripts, only where the top of a page needs them. Home's URL path is empty.
ELEMENTS_BY_PAGE = {
    "": ("DataFrame",),
    "home": ("DataFrame",),
    "corpus": ("DataFrame", "TextInput", "Multiselect"),
    "map": ("PlotlyChart",),
    "studies": ("DataFrame", "PlotlyChart"),
    "jobs": ("DataFrame",),
}
# A page's main element, whose script takes so long to run that it runs while the server is still
# drawing the page (page_head.js).
EARLY_ELEMENT_BY_PAGE = {"map": "PlotlyChart"}
# The imports stand at the beginning of a script, which may have megabytes.
MAX_IMPORT_CHARS = 20_000
_IMPORT = re.compile(r'(?:from|import)"\./([\w.-]+\.js)"')


@lru_cache(maxsize=32)
def build_preload_links(url_path: str) -> str:
    """Return the HTML that preloads the scripts and fonts of a page.

    Parameters
    ----------
    url_path : str
        Path of the page's URL: "/map".

    Returns
    -------
    str
        One link per file; none for a file that this version of Streamlit does not have.
    """
    page_name = url_path.strip("/")
    page_elements = ELEMENTS_BY_PAGE.get(page_name, ())
    early_script_start = f"{EARLY_ELEMENT_BY_PAGE.get(page_name)}."
    script_names: dict[str, None] = {}  # In order, each once.
    for element in (*COMMON_ELEMENTS, *page_elements):
        for path in sorted(SCRIPT_FOLDER.glob(f"{element}.*.js")):
            _add_script_and_imports(path.name, script_names)
    font_paths = [path for font in FONTS for path in sorted(FONT_FOLDER.glob(f"{font}.*woff2"))]
    return "".join(
        f'<link rel="preload" as="font" type="font/woff2" crossorigin'
        f' href="./static/media/{path.name}">\n'
        for path in font_paths
    ) + "".join(
        f'<link rel="modulepreload" crossorigin href="./static/js/{name}"'
        f"{' data-runs-early' if name.startswith(early_script_start) else ''}>\n"
        for name in script_names
    )


def _add_script_and_imports(name: str, script_names: dict[str, None]) -> None:
    path = SCRIPT_FOLDER / name
    if name in script_names or not path.is_file():
        return
    script_names[name] = None
    with path.open(encoding="utf-8") as file:
        imports = _IMPORT.findall(file.read(MAX_IMPORT_CHARS))
    for imported_name in imports:
        if not imported_name.startswith("index."):  # Streamlit's main script loads anyway.
            _add_script_and_imports(imported_name, script_names)
