"""Addresses of the pages of a dashboard, and the moment when a page shows what it is opened for."""

from __future__ import annotations

from playwright.sync_api import Page

# The main element of each page, for which a user opens it.
MAIN_ELEMENTS = {
    "Home": ".st-key-step-listen",
    "Generate": '[class*="st-key-template-"]',
    "Corpus": '[data-testid="stDataFrame"] canvas',
    "Train": '[data-testid="stMain"] [data-testid="stButton"] button',
    "Map": '[class*="st-key-map-"] .js-plotly-plot .gl-canvas-context',
    "Listen": '[class*="st-key-neighbour-"] .player',
    "Compare": ".playlist-button",
    "Studies": "h1",
    "Jobs": "h1",
}
HAS_MAIN_ELEMENT = """
([title, mainElement]) =>
  document.querySelector("a[aria-current=page]")?.innerText.includes(title)
  && document.querySelector("[data-testid=stMain] h1") && document.querySelector(mainElement)
"""


def get_page_url(base_url: str, page_name: str) -> str:
    """Return the address of a page of the dashboard at `base_url`, which ends in a slash."""
    return base_url if page_name == "Home" else f"{base_url}{page_name.lower()}"


def wait_for_page(page: Page, page_name: str) -> None:
    """Wait until a page's main element exists."""
    arguments = [page_name, MAIN_ELEMENTS[page_name]]
    page.wait_for_function(HAS_MAIN_ELEMENT, arg=arguments, polling=20)
