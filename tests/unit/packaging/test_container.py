"""The container files name what the launcher, the pages and the sandbox need."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from pages.components.login import LOOPBACK_PORT_VARIABLE

PROJECT = Path(__file__).resolve().parents[3]
CONTAINERFILE = (PROJECT / "Containerfile").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((PROJECT / "compose.yaml").read_text(encoding="utf-8"))
IGNORED = (PROJECT / ".dockerignore").read_text(encoding="utf-8").splitlines()


def test_no_port_is_published_beyond_the_host():
    ports = [port for service in COMPOSE["services"].values() for port in service.get("ports", [])]
    assert len(ports) == 2 and all(port.startswith("127.0.0.1:") for port in ports)
    dashboard = COMPOSE["services"]["dashboard"]
    assert dashboard["environment"] == {LOOPBACK_PORT_VARIABLE: "1"}
    # The image alone does not promise it.
    assert LOOPBACK_PORT_VARIABLE not in CONTAINERFILE


def test_every_service_drops_all_privileges_and_permits_the_sandbox():
    for service in COMPOSE["services"].values():
        assert service["cap_drop"] == ["ALL"] and service["init"] is True
        assert {
            "no-new-privileges:true",
            "seccomp=unconfined",
            "systempaths=unconfined",
        } <= set(service["security_opt"])
        assert service["volumes"] == ["workspace:/workspace"] and service["healthcheck"]
        assert "privileged" not in service and "user" not in service


def test_the_image_runs_as_a_user_without_write_access_to_the_code():
    lines = CONTAINERFILE.splitlines()
    assert lines.index("USER earshot") > lines.index("COPY . .")
    assert "--chown" not in CONTAINERFILE
    assert "./run install" in CONTAINERFILE and "EARSHOT_WORKSPACE=/workspace" in CONTAINERFILE


def test_secrets_and_build_outputs_stay_out_of_the_image():
    assert {".git", ".venv", ".streamlit/secrets.toml", "artifacts/*"} <= set(IGNORED)


def test_every_processor_only_build_of_torch_is_locked():
    requirements = (PROJECT / "requirements.txt").read_text(encoding="utf-8")
    builds = re.findall(
        r"^# processor-only build, Python (3\.\d+), (\w+): (sha256:[0-9a-f]{64})$",
        requirements,
        re.MULTILINE,
    )
    versions = [f"3.{minor}" for minor in range(11, 15)]
    assert {(version, machine) for version, machine, _ in builds} == {
        (version, machine) for version in versions for machine in ("x86_64", "aarch64")
    }
    lock = (PROJECT / "requirements/torch.lock").read_text(encoding="utf-8")
    assert all(f"--hash={digest}" in lock for _, _, digest in builds)
    assert len({digest for _, _, digest in builds}) == len(builds)


def test_the_object_store_of_a_ray_worker_fits_into_shared_memory():
    worker = COMPOSE["services"]["worker"]
    (option,) = [item for item in worker["command"] if item.startswith("--object-store-memory=")]
    assert worker["shm_size"] == "1gb" and int(option.partition("=")[2]) <= 1_000_000_000
