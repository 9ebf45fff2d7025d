"""HTTP route that compares the true sound of a rendered version with a target clip.

A card asks for it once its clip and the one of the current version have arrived, so that nothing
waits for the comparison.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from core import workspace
from core.errors import EarshotError
from core.sonicpi import Clip
from pages.components import audition_http_routes

if TYPE_CHECKING:
    from core.search.aligned_corpus import AlignedCorpus
    from core.suggest.sound_target import SoundTarget

# Below "/sound/", which a login protects.
URL_PREFIX = "/sound/comparison"
MAX_KEPT_TARGETS = 24
MAX_KEPT_SIMILARITIES = 256
_RESPONSE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, eq=False)
class ComparedTarget:
    """A target clip with the corpus whose audio encoder compares it."""

    aligned_corpus: AlignedCorpus
    target: SoundTarget


class TargetComparisons:
    """The newest targets of all pages, and how similar the clips are to them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._targets: OrderedDict[str, ComparedTarget] = OrderedDict()
        self._similarities: OrderedDict[tuple[str, str], float] = OrderedDict()

    def register_target(
        self, corpus_key: tuple[str, ...], aligned_corpus: AlignedCorpus, target: SoundTarget
    ) -> str:
        """Let browsers compare clips with a target clip, and return its key.

        Parameters
        ----------
        corpus_key : tuple of str
            Names the state of the corpus and the alignment.
        aligned_corpus : AlignedCorpus
        target : SoundTarget
        """
        text = "\n".join((*corpus_key, target.cache_key))
        key = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]
        with self._lock:
            self._targets.setdefault(key, ComparedTarget(aligned_corpus, target))
            self._targets.move_to_end(key)
            while len(self._targets) > MAX_KEPT_TARGETS:
                self._targets.popitem(last=False)
        return key

    def measure_similarity(self, key: str, clip_id: str, load_clip: Callable[[], Clip]) -> float:
        """Return the similarity of a clip and a target; it is measured once.

        Raises
        ------
        EarshotError
            When the target is no longer there, the clip failed, or the encoder is missing.
        """
        from core.operations.rendered_pick_order import measure_similarity_to_target

        with self._lock:
            compared, similarity = self._targets.get(key), self._similarities.get((key, clip_id))
        if similarity is not None:
            return similarity
        if compared is None:
            raise EarshotError("This target is no longer there.")
        similarity = measure_similarity_to_target(
            compared.aligned_corpus, load_clip(), compared.target
        )
        with self._lock:
            self._similarities[(key, clip_id)] = similarity
            while len(self._similarities) > MAX_KEPT_SIMILARITIES:
                self._similarities.popitem(last=False)
        return similarity


@functools.cache
def get_target_comparisons() -> TargetComparisons:
    """Return the comparisons of this server."""
    return TargetComparisons()


@functools.cache
def _get_executor() -> ThreadPoolExecutor:
    """Return one thread: comparisons leave the cores to the renderers."""
    return ThreadPoolExecutor(1, thread_name_prefix="target-comparison")


def build_comparison_url(key: str, program_clip_id: str, clip_id: str) -> str:
    """Return the URL that compares a clip with a target and with the clip of the program."""
    return f"{URL_PREFIX}/{key}/{program_clip_id}/{clip_id}"


def build_comparison_routes() -> list[Route]:
    """Return the route that the server adds to Streamlit's own."""
    path = build_comparison_url("{key}", "{program_clip_id}", "{clip_id}")
    return [Route(path, _serve_comparison, methods=["GET"])]


async def _serve_comparison(request: Request) -> Response:
    from core.operations.rendered_pick_order import describe_gain

    if workspace.is_workspace_read_only():
        return PlainTextResponse("Read-only.", 403, headers=_RESPONSE_HEADERS)
    key, ids = request.path_params["key"], request.path_params
    loop = asyncio.get_running_loop()
    try:
        program, version = [
            await loop.run_in_executor(_get_executor(), _measure_requested_clip, key, ids[name])
            for name in ("program_clip_id", "clip_id")
        ]
    except EarshotError as error:
        # Not an HTTP error: the card stays without a comparison, and the browser's console clean.
        return JSONResponse({"error": error.message}, headers=_RESPONSE_HEADERS)
    gain = version - program
    return JSONResponse({"verdict": describe_gain(gain), "gain": gain}, headers=_RESPONSE_HEADERS)


def _measure_requested_clip(key: str, clip_id: str) -> float:
    return get_target_comparisons().measure_similarity(
        key, clip_id, functools.partial(_load_requested_clip, clip_id)
    )


def _load_requested_clip(clip_id: str) -> Clip:
    future = audition_http_routes.open_audition_clips().find_future_result(clip_id)
    try:
        result = future.result() if future is not None and future.done() else None
    except CancelledError:
        result = None
    if result is None or result.clip is None:
        raise EarshotError("This clip is not there.")
    return result.clip
