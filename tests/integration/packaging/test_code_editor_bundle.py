"""Test that the committed bundle of the code editor is what its source builds."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

FRONTEND = Path(__file__).resolve().parents[3] / "pages" / "components" / "frontend"
MAX_BUNDLE_BYTES = 1 << 20


def test_the_bundle_is_small_and_carries_its_licences() -> None:
    assert (FRONTEND / "built" / "code_editor.js").stat().st_size < MAX_BUNDLE_BYTES
    licenses = (FRONTEND / "built" / "LICENSES.txt").read_text(encoding="utf-8")
    for package in ("@codemirror/view", "@codemirror/legacy-modes", "@lezer/highlight"):
        assert f"{package} " in licenses
    assert licenses.count("(MIT)") == licenses.count("Permission is hereby granted")


@pytest.mark.skipif(not shutil.which("npm"), reason="Node is not installed")
def test_the_source_builds_the_committed_bundle(tmp_path: Path) -> None:
    project = shutil.copytree(
        FRONTEND, tmp_path / "frontend", ignore=shutil.ignore_patterns("node_modules", "built")
    )
    install = subprocess.run(
        ["npm", "ci", "--no-fund", "--no-audit"],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if install.returncode:
        pytest.skip(f"npm cannot install the packages: {install.stderr[-300:]}")
    subprocess.run(
        ["npm", "run", "build", "--", str(tmp_path / "built")],
        cwd=project,
        check=True,
        timeout=120,
        capture_output=True,
    )
    for name in ("code_editor.js", "LICENSES.txt"):
        assert (tmp_path / "built" / name).read_bytes() == (FRONTEND / "built" / name).read_bytes()
