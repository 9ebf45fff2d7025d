"""Background loading, as the server starts, of what the first visitor of Home and Map waits for."""

from __future__ import annotations

import asyncio
import importlib
import logging
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from core.corpus import Corpus, list_corpora
from core.errors import EarshotError
from pages.components import tcp_nodelay

# Imported before the server responds: while a thread imports, visitors wait for it.
FIRST_PAGE_MODULES = (
    "pages.components.page_header_and_sidebar",
    "pages.home.setup_steps",
    "pages.map.map_sidebar_panels",
    "pages.map.map_view_export",
    "core.search.default_alignment_choice",
)
# How long a thread may keep the interpreter's lock. A page needs a hundred files, each read by
# several short tasks: with Python's 5 ms, the first visitor waits for the loading thread each time.
THREAD_SWITCH_INTERVAL_S = 0.0005
THREAD_NAME = "first-visit-preload"
# Streamlit's caches warn here that a spinner, which only a visitor could see, is not shown.
CONTEXT_LOGGER_NAME = "streamlit.runtime.scriptrunner_utils.script_run_context"


@asynccontextmanager
async def preload_when_server_starts(_app: Any) -> AsyncIterator[None]:
    """Import what pages need, then load data in a thread; the lifespan of the ASGI server."""
    tcp_nodelay.disable_packet_delay_of_servers(asyncio.get_running_loop())
    sys.setswitchinterval(THREAD_SWITCH_INTERVAL_S)
    for name in FIRST_PAGE_MODULES:
        importlib.import_module(name)
    logging.getLogger(CONTEXT_LOGGER_NAME).addFilter(
        lambda record: record.threadName != THREAD_NAME
    )
    threading.Thread(target=preload_data_of_home_and_map, name=THREAD_NAME, daemon=True).start()
    yield


def preload_data_of_home_and_map() -> None:
    """Fill the caches that Home and Map read, for the corpus that they show first."""
    # Imported late, so that importing this module costs nothing.
    from core.search.default_alignment_choice import choose_default_alignment
    from pages.components import page_cache
    from pages.components.corpus_and_alignment_picker import find_default_corpus_index
    from pages.map import cached_map_points_and_figure

    try:
        corpus_names = list_corpora()
        if not corpus_names:
            return
        corpus = Corpus.open(corpus_names[find_default_corpus_index(corpus_names)])
        page_cache.count_programs_by_state(corpus)
        choice = choose_default_alignment(corpus, "map")
        if choice is None:
            return
        cached_map_points_and_figure.preload_first_map(
            corpus, corpus.load_alignment(choice.alignment_id)
        )
    except (EarshotError, OSError) as error:
        # The page that needs it shows the error.
        logging.getLogger(__name__).info("not loaded in advance: %s", error)
