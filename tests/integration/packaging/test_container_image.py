"""The image `earshot` renders and serves with the options of compose.yaml, where Podman has it.

`podman build --format docker --tag earshot .` in this checkout makes the image.
"""

from __future__ import annotations

import shutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from core.corpus.encoded_render import encode_render
from core.sonicpi import Clip, try_render
from tests.faults.job_control import wait_until

PROJECT = Path(__file__).resolve().parents[3]
DASHBOARD = yaml.safe_load((PROJECT / "compose.yaml").read_text(encoding="utf-8"))["services"][
    "dashboard"
]
CONFINEMENT = ["--init", *(f"--cap-drop={name}" for name in DASHBOARD["cap_drop"])]
SANDBOX_OPTIONS = [f"--security-opt={option}" for option in DASHBOARD["security_opt"]]
SOURCE = "play 60, release: 0.5; sleep 0.5; sample :bd_haus"
RENDER_SCRIPT = """
cd /opt/earshot && echo "$1" >/workspace/program.rb
./run render /workspace/program.rb --out /workspace/clips --seconds 1 >&2 || exit 1
cat /workspace/clips/*.flac
"""
RENDER = ["bash", "-c", RENDER_SCRIPT, "render", SOURCE]


def run_podman(*arguments: str, timeout_s: float = 120.0) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["podman", *arguments], capture_output=True, timeout=timeout_s, check=False
    )


@pytest.fixture(scope="module", autouse=True)
def require_image() -> None:
    if shutil.which("podman") is None or run_podman("image", "exists", "earshot").returncode:
        pytest.skip("Podman has no image 'earshot'")
    result = run_podman("run", "--rm", "--entrypoint=true", "earshot")
    if result.returncode:  # Inside a container or a virtual machine, Podman may start none.
        pytest.skip(f"Podman starts no container here: {result.stderr.decode().splitlines()[-1:]}")


def test_a_clip_from_the_container_is_bit_identical() -> None:
    result = run_podman("run", "--rm", *CONFINEMENT, *SANDBOX_OPTIONS, "earshot", *RENDER)
    assert result.returncode == 0, result.stderr.decode()
    expected, _ = encode_render(try_render(SOURCE, 1.0), "flac")
    rendered = Clip.decode_audio_file(result.stdout)
    assert (rendered.samples == Clip.decode_audio_file(expected.content).samples).all()


def test_without_the_options_rendering_is_refused_with_the_remedy() -> None:
    result = run_podman("run", "--rm", *CONFINEMENT, "earshot", *RENDER)
    assert result.returncode != 0 and not result.stdout
    assert b"unmask=ALL" in result.stderr


@pytest.fixture
def dashboard() -> Iterator[str]:
    name = f"earshot-test-{uuid.uuid4().hex[:8]}"
    environment = [f"--env={key}={value}" for key, value in DASHBOARD["environment"].items()]
    options = [*CONFINEMENT, *SANDBOX_OPTIONS, *environment]
    result = run_podman("run", "--detach", "--name", name, *options, "earshot")
    assert result.returncode == 0, result.stderr.decode()
    yield name
    run_podman("rm", "--force", "--time=0", "--volumes", name)


def test_the_health_check_of_the_dashboard_passes(dashboard: str) -> None:
    def is_healthy() -> bool:
        return run_podman("healthcheck", "run", dashboard).returncode == 0

    wait_until(is_healthy, "the health check")
    user = run_podman("exec", dashboard, "id", "--user", "--name")
    assert user.stdout.strip() == b"earshot"
    assert run_podman("exec", dashboard, "touch", "/opt/earshot/app.py").returncode != 0
