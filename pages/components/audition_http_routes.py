"""HTTP route of the clips that are auditioned: a request waits until its clip is rendered.

A browser asks for all versions at once. Each card becomes playable when its own answer arrives,
without another run of the page.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import threading
from collections import OrderedDict
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from core import workspace
from core.sonicpi import DEFAULT_SONIC_PI, RenderResult
from core.sonicpi.background_render_queue import BackgroundRenderQueue
from core.suggest.audition_loop_timing_and_loudness import compute_loudness_gain

MAX_KEPT_CLIPS = 48
MAX_WAIT_S = 120.0
_RESPONSE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class AuditionClip:
    """A rendered version as the browser gets it.

    Attributes
    ----------
    flac_bytes : bytes
        Empty when the program failed.
    gain : float
        Linear factor that brings it to the common loudness.
    error : str
        Why there is no clip, with the line; "" for a clip.
    """

    flac_bytes: bytes
    gain: float
    error: str


class AuditionClips:
    """The requested clips of all sessions, with those who want them.

    Parameters
    ----------
    queue : BackgroundRenderQueue
    """

    def __init__(self, queue: BackgroundRenderQueue):
        self.queue = queue
        self._lock = threading.Lock()
        self._futures: OrderedDict[str, Future[RenderResult]] = OrderedDict()
        self._owners: dict[str, set[str]] = {}
        self._encoded: dict[str, AuditionClip] = {}

    def request_clip_rendering(
        self, versions: list[tuple[str, float]], owner: str, sonic_pi: str = DEFAULT_SONIC_PI
    ) -> list[str]:
        """Start rendering versions that nobody has rendered yet, and return their ids.

        Versions that this owner requested before, and that are not among these, no longer wait
        for a worker.

        Parameters
        ----------
        versions : list of (str, float)
            Source, and length in seconds.
        owner : str
            Id of the session.
        sonic_pi : {"3.2", "5"}
        """
        ids = [build_clip_id(source, seconds, sonic_pi) for source, seconds in versions]
        with self._lock:
            self._release_clips_of_owner(owner, set(ids))
            for clip_id, (source, seconds) in zip(ids, versions):
                future = self._futures.get(clip_id)
                if future is None or future.cancelled():
                    future = self.queue.submit_program(source, seconds, sonic_pi)
                    self._futures[clip_id] = future
                self._futures.move_to_end(clip_id)
                self._owners.setdefault(clip_id, set()).add(owner)
            while len(self._futures) > MAX_KEPT_CLIPS:
                old_id, old_future = self._futures.popitem(last=False)
                old_future.cancel()
                self._owners.pop(old_id, None)
                self._encoded.pop(old_id, None)
        return ids

    def _release_clips_of_owner(self, owner: str, kept_ids: set[str]) -> None:
        for clip_id, owners in self._owners.items():
            if owner in owners and clip_id not in kept_ids:
                owners.discard(owner)
                if not owners:
                    self._futures[clip_id].cancel()  # Has no effect on one that has started.

    def find_future_result(self, clip_id: str) -> Future[RenderResult] | None:
        """Return the future result of a requested clip; None for an unknown or old one."""
        with self._lock:
            return self._futures.get(clip_id)

    def encode_audition_clip(self, clip_id: str, result: RenderResult) -> AuditionClip:
        """Return a result as the browser gets it."""
        encoded = self._encoded.get(clip_id)
        if encoded is None:
            encoded = self._encoded[clip_id] = _encode_render_result(result)
        return encoded


def build_clip_id(source: str, seconds: float, sonic_pi: str) -> str:
    """Return the id of a version's clip: equal versions have equal ids."""
    text = f"{sonic_pi}\n{seconds:.6f}\n{source}"
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]


def build_clip_url(clip_id: str) -> str:
    """Return the URL that answers with the clip once it is rendered."""
    return f"/sound/audition/{clip_id}"


def open_audition_clips() -> AuditionClips:
    """Return the clips of this server; at the first call, start the render workers."""
    with _opening_lock:  # Two sessions may come first.
        return _open_audition_clips_once()


_opening_lock = threading.Lock()


@functools.cache
def _open_audition_clips_once() -> AuditionClips:
    queue = BackgroundRenderQueue()
    queue.start_render_workers()
    return AuditionClips(queue)


def build_audition_routes() -> list[Route]:
    """Return the route that the server adds to Streamlit's own."""
    return [Route("/sound/audition/{clip_id}", _serve_audition_clip, methods=["GET"])]


async def _serve_audition_clip(request: Request) -> Response:
    if workspace.is_workspace_read_only():
        return PlainTextResponse("Read-only.", 403, headers=_RESPONSE_HEADERS)
    clips, clip_id = open_audition_clips(), request.path_params["clip_id"]
    future = clips.find_future_result(clip_id)
    if future is None:
        return PlainTextResponse("No such clip.", 404, headers=_RESPONSE_HEADERS)
    try:
        # Shielded: a browser that leaves must not cancel what another one waits for.
        waiting = asyncio.shield(asyncio.wrap_future(future))
        result = await asyncio.wait_for(waiting, MAX_WAIT_S)
    except (CancelledError, asyncio.CancelledError, TimeoutError):
        return JSONResponse(
            {"error": "This version was not rendered: other versions were chosen meanwhile."},
            headers=_RESPONSE_HEADERS,
        )
    clip = await asyncio.to_thread(clips.encode_audition_clip, clip_id, result)
    if clip.error:
        # Not an HTTP error: the card shows the message, and the browser's console stays clean.
        return JSONResponse({"error": clip.error}, headers=_RESPONSE_HEADERS)
    headers = {**_RESPONSE_HEADERS, "X-Loudness-Gain": f"{clip.gain:.5f}"}
    return Response(clip.flac_bytes, 200, headers, "audio/flac")


def _encode_render_result(result: RenderResult) -> AuditionClip:
    if result.clip is None:
        return AuditionClip(b"", 1.0, str(result.error) if result.error else "No sound.")
    return AuditionClip(
        result.clip.encode_audio_file(".flac"), compute_loudness_gain(result.clip), ""
    )
