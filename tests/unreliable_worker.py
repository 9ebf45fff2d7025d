"""A worker of a cluster that misbehaves once per program that asks for it in a comment."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import Any

from core.pipeline.executors.executor_interface import ClipSettings
from core.pipeline.executors.ray_worker import ProgramWorker

REQUEST_PATTERN = re.compile(r"# (end|damage|wait) unless (\S+) exists")
WAIT_S = 3600.0


def make_misbehaving_source(source: str, fault: str, marker: Path) -> str:
    """Return a program at whose first attempt a worker misbehaves.

    Parameters
    ----------
    source : str
    fault : {"end", "damage", "wait"}
        The worker ends, returns a clip whose content is damaged, or does not answer.
    marker : Path
        A file that the worker creates when it misbehaves.
    """
    return f"{source} # {fault} unless {marker} exists"


class UnreliableWorker(ProgramWorker):
    """A worker that misbehaves at the first attempt of a program that asks for it."""

    def render_encode_and_embed_program(
        self, key: str, source: str, settings: ClipSettings
    ) -> dict[str, Any]:
        request = REQUEST_PATTERN.search(source)
        if request is None or Path(request[2]).exists():
            return super().render_encode_and_embed_program(key, source, settings)
        Path(request[2]).touch()
        if request[1] == "end":
            os._exit(1)
        if request[1] == "wait":
            time.sleep(WAIT_S)
        return {"key": key, "render": b"damaged", "embeddings": {}}
