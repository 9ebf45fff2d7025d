"""A worker of a cluster that ends once per program that asks for it in a comment."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from core.pipeline.executors.executor_interface import ClipSettings
from core.pipeline.executors.ray_worker import ProgramWorker

REQUEST_PATTERN = re.compile(r"# end the worker unless (\S+) exists")


def make_misbehaving_source(source: str, marker: Path) -> str:
    """Return a program that ends its first worker; the marker is a file that this creates."""
    return f"{source} # end the worker unless {marker} exists"


class UnreliableWorker(ProgramWorker):
    """A worker that ends at the first attempt of a program that asks for it."""

    def build_clip(self, key: str, source: str, settings: ClipSettings) -> dict[str, Any]:
        request = REQUEST_PATTERN.search(source)
        if request is not None and not Path(request[1]).exists():
            Path(request[1]).touch()
            os._exit(1)
        return super().build_clip(key, source, settings)
