"""The script ./run on simulated systems, with a tiny Earshot behind it.

Bash, pip, venv and flock are real. Only PATH differs, and the requirements name wheels of one
line each, so that the set-up takes seconds and needs no network.
"""

import hashlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import zipfile
from base64 import urlsafe_b64encode
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[3]
PYTHON = Path(sys.executable).resolve()
TOOLS = (
    "bash cat cut dirname env find flock grep mkdir readlink rm sed setpriv sha256sum sleep tail"
    " touch true uname"
).split()
ALL_INSTALLED = """#!/bin/bash
# Debian's dpkg-query on a machine where every package is installed.
for package in "${@:3}"; do printf '%s ii \\n' "$package"; done
"""
NONE_INSTALLED = "#!/bin/bash\nexit 1\n"
UNEXPECTED_CALL = '#!/bin/bash\necho "called: $0 $*" >&2\nexit 77\n'
# Installs the sounds unless there is a file "offline". Its hash is the one that ./run computes.
SOUND_INSTALLER = """
import hashlib, pathlib, sys
project = pathlib.Path(__file__).parents[2]
if (project / "offline").exists():
    sys.exit("npm did not download the sounds: ENOTFOUND")
names = ("package-lock.json", "files.sha256")
content = b"".join((project / "requirements/sounds" / name).read_bytes() for name in names)
(project / ".sounds").mkdir(exist_ok=True)
(project / ".sounds/complete").write_text(hashlib.sha256(content).hexdigest() + "\\n")
"""
# A server that responds as Streamlit does, which is all that ./run sees of it.
SERVER = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/_stcore/health" else 404)
        self.end_headers()
    def log_message(self, *words):
        pass
assert sys.argv[1:4] == ["run", "server.py", "--server.port"], sys.argv
http.server.HTTPServer(("127.0.0.1", int(sys.argv[4])), Handler).serve_forever()
"""


def write_wheel(folder: Path, name: str, version: str, main: str = "", metadata: str = "") -> None:
    """Write a wheel of a package with its version and, optionally, a main program."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": f"version = {version!r}\n",
        f"{name}/__main__.py": main,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{metadata}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = []
    for path, text in files.items():
        digest = urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        rows.append(f"{path},sha256={digest},{len(text)}\n")
    rows.append(f"{info}/RECORD,,\n")
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
        wheel.writestr(f"{info}/RECORD", "".join(rows))


class SimulatedProject:
    """A project folder with a copy of ./run and its own PATH."""

    def __init__(self, root: Path):
        self.root = root
        self.project = root / "my project"
        self.wheels = root / "wheels"
        self.bin = root / "bin"
        folders = ("core/sonicpi", "artifacts", "requirements/sounds")
        for folder in (*(self.project / name for name in folders), self.wheels, self.bin):
            folder.mkdir(parents=True)
        shutil.copy(PROJECT / "run", self.project)
        shutil.copytree(PROJECT / ".ci", self.project / ".ci")
        (self.project / "core/__init__.py").write_text('__version__ = "1.2.3"\n')
        (self.project / "core/__main__.py").write_text(
            "import os, sys; print(os.getcwd(), *sys.argv[1:], sep='|')"
        )
        (self.project / "core/sonicpi/__init__.py").write_text("")
        (self.project / "core/sonicpi/newer_sonic_pi_sound_installer.py").write_text(
            SOUND_INSTALLER
        )
        (self.project / "requirements/sounds/package-lock.json").write_text("{}")
        (self.project / "requirements/sounds/files.sha256").write_text("")
        write_wheel(self.wheels, "torch", "2.13.0")
        write_wheel(self.wheels, "streamlit", "1.0", SERVER)
        write_wheel(self.wheels, "weights", "0.1")
        write_wheel(self.wheels, "pytest", "1.0", "import sys; print(*sys.argv[1:], '1 passed')")
        self.set_requirements("torch==2.13.0", "streamlit==1.0")
        self.write_lock("encoders", "weights==0.1")
        self.write_lock("cuda")
        self.write_lock("auth")
        self.write_lock("cluster")
        self.write_lock("figures")
        self.write_lock("openvino")
        self.write_lock("s3")
        self.write_lock("test", "pytest==1.0")
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool))
        (self.bin / "python3").symlink_to(PYTHON)
        self.write_tool("dpkg-query", ALL_INSTALLED)
        self.write_tool("apt-get", UNEXPECTED_CALL)

    def set_requirements(self, torch: str, *pins: str) -> None:
        (self.project / "requirements.txt").write_text("\n".join((torch, *pins, "")))
        self.write_lock("torch", torch)
        self.write_lock("base", *pins)

    def write_lock(self, name: str, *pins: str) -> None:
        """Write a lock of these pins with the present hashes of their wheels."""
        lines = ["# locked"]
        for pin in pins:
            wheel = self.wheels / f"{pin.replace('==', '-')}-py3-none-any.whl"
            lines.append(f"{pin} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}")
        (self.project / f"requirements/{name}.lock").write_text("\n".join((*lines, "")))

    def write_tool(self, name: str, script: str | None) -> None:
        path = self.bin / name
        path.unlink(missing_ok=True)
        if script is not None:
            path.write_text(script)
            path.chmod(0o755)

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": str(self.bin),
            "HOME": str(self.root),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.wheels),
            "PIP_CONFIG_FILE": os.devnull,
            # Compiling pip itself would take longer than everything else.
            "PIP_NO_COMPILE": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def start(self, *argv: str, prefix: tuple[str, ...] = (), **options) -> subprocess.Popen:
        return subprocess.Popen(
            [*prefix, str(self.project / "run"), *argv],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **{"cwd": self.root, **options},
        )

    def run(self, *argv: str, **options) -> subprocess.CompletedProcess:
        process = self.start(*argv, **options)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(argv, process.returncode, out, err)

    def get_installed_version(self, package: str) -> str:
        """The version of a package that the environment imports."""
        python = self.project / ".venv/bin/python"
        return subprocess.run(
            [python, "-c", f"import {package}; print({package}.version)"],
            capture_output=True,
            text=True,
        ).stdout.strip()


@pytest.fixture
def project():
    # Only the owner may enter pytest's own temporary folder.
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield SimulatedProject(Path(folder))


@pytest.fixture(scope="module")
def prepared_project():
    """A project that is set up. Tests leave it so."""
    with tempfile.TemporaryDirectory() as folder:
        project = SimulatedProject(Path(folder))
        done = project.run("jobs")
        assert done.returncode == 0, done.stderr
        project.first_run = done
        yield project


def test_first_run_prints_one_line_per_step_and_runs_the_command(prepared_project):
    lines = prepared_project.first_run.stderr.splitlines()
    assert re.match(r"Creating \.venv with .*/python3$", lines[0])
    assert [line.split(" (")[0] for line in lines[1:]] == [
        "Installing torch==2.13.0",
        "Installing requirements/base.lock",
        "Installing the encoders with bundled weights",
        "Installing the sounds of later versions of Sonic Pi",
    ]
    assert prepared_project.first_run.stdout == f"{prepared_project.root}|jobs\n"
    assert [
        prepared_project.get_installed_version(p) for p in ("torch", "streamlit", "weights")
    ] == [
        "2.13.0",
        "1.0",
        "0.1",
    ]


def test_nothing_is_installed_when_nothing_is_missing(prepared_project):
    log = prepared_project.project / "artifacts/setup.log"
    before = log.stat().st_mtime_ns
    done = prepared_project.run("build", "a b", "--x")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{prepared_project.root}|build|a b|--x\n"
    # Every step of the set-up writes to the log.
    assert log.stat().st_mtime_ns == before


def test_interrupted_set_up_is_completed(prepared_project):
    # The state after a kill: no stamp, and a package with some of its files missing.
    venv = prepared_project.project / ".venv"
    (venv / "earshot-base").unlink()
    packages = next(venv.glob("lib/python3*/site-packages"))
    (packages / "streamlit/__init__.py").unlink()
    (packages / "streamlit-1.0.dist-info/INSTALLER").unlink()
    done = prepared_project.run("jobs")
    assert done.returncode == 0, done.stderr
    assert "Creating .venv" not in done.stderr
    assert prepared_project.get_installed_version("streamlit") == "1.0"
    assert prepared_project.run("jobs").stderr == ""


@pytest.mark.parametrize("missing", ["bin/python", "pip"])
def test_incomplete_environment_is_created_again(prepared_project, missing):
    venv = prepared_project.project / ".venv"
    if missing == "pip":
        shutil.rmtree(next(venv.glob("lib/python3*/site-packages/pip")))
        (venv / "earshot-base").unlink()
    else:
        (venv / missing).unlink()
    done = prepared_project.run("jobs")
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("Creating .venv")
    assert prepared_project.get_installed_version("torch") == "2.13.0"


def test_changed_requirements_are_installed(prepared_project):
    write_wheel(prepared_project.wheels, "streamlit", "1.1", SERVER)
    prepared_project.set_requirements("torch==2.13.0", "streamlit==1.1")
    done = prepared_project.run("jobs")
    assert done.returncode == 0 and "Creating .venv" not in done.stderr
    assert prepared_project.get_installed_version("streamlit") == "1.1"


def test_failing_step_shows_its_cause_and_the_next_run_completes_it(project):
    wheel = next(project.wheels.glob("weights*"))
    aside = wheel.rename(project.root / "aside.whl")
    done = project.run("jobs")
    assert done.returncode == 1 and done.stdout == ""
    assert "No matching distribution found for weights==0.1" in done.stderr
    assert (
        "artifacts/setup.log" in done.stderr
        and "Fix the cause, then run ./run again" in done.stderr
    )
    aside.rename(wheel)
    done = project.run("jobs")
    assert done.returncode == 0, done.stderr
    assert project.get_installed_version("weights") == "0.1"


def test_without_a_network_for_the_sounds_everything_else_works(project):
    (project.project / "offline").touch()
    done = project.run("jobs")
    assert (done.returncode, done.stdout) == (0, f"{project.root}|jobs\n")
    lines = done.stderr.splitlines()
    assert "That failed: npm did not download the sounds: ENOTFOUND" in lines
    assert lines[-1] == "To try again: ./run sounds"
    # The next commands start at once; only ./run sounds and ./run test try again.
    assert project.run("jobs").stderr == ""
    failed = project.run("sounds")
    assert failed.returncode == 1 and "ENOTFOUND" in failed.stderr
    (project.project / "offline").unlink()
    assert project.run("sounds").returncode == 0
    assert (project.project / ".sounds/complete").is_file()
    assert project.run("sounds").stderr == ""


def test_a_failure_of_the_sounds_is_tried_again_after_a_day(project):
    (project.project / "offline").touch()
    project.run("jobs")
    (project.project / "offline").unlink()
    assert project.run("jobs").stderr == ""
    failure = project.project / ".venv/earshot-sounds-failed"
    yesterday = failure.stat().st_mtime - 25 * 3600
    os.utime(failure, (yesterday, yesterday))
    assert "sounds of later versions" in project.run("jobs").stderr
    assert (project.project / ".sounds/complete").is_file() and not failure.exists()


def test_changed_sounds_are_installed(prepared_project):
    (prepared_project.project / "requirements/sounds/files.sha256").write_text("# other\n")
    done = prepared_project.run("jobs")
    assert done.returncode == 0 and "sounds of later versions" in done.stderr
    assert prepared_project.run("jobs").stderr == ""


@pytest.mark.parametrize("package, version", [("torch", "2.13.0"), ("streamlit", "1.0")])
def test_file_with_another_hash_is_refused(project, package, version):
    write_wheel(project.wheels, package, version, SERVER + "# not the same")
    done = project.run("jobs")
    assert done.returncode == 1 and done.stdout == ""
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in done.stderr
    assert project.get_installed_version(package) == ""
    assert not (project.project / ".venv/earshot-base").exists()


def test_torch_that_requires_cuda_gets_it(project):
    write_wheel(project.wheels, "nvidia", "13.0")
    project.write_lock("cuda", "nvidia==13.0")
    requirement = "Requires-Dist: nvidia-cublas==13.0; sys_platform == 'linux'\n"
    write_wheel(project.wheels, "torch", "2.13.0", metadata=requirement)
    project.write_lock("torch", "torch==2.13.0")
    done = project.run("jobs")
    assert done.returncode == 0, done.stderr
    assert project.get_installed_version("nvidia") == "13.0"


def test_two_runs_at_the_same_time_set_up_once(project):
    both = [project.start("jobs"), project.start("jobs")]
    outputs = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert sum("Creating .venv" in err for _, err in outputs) == 1


def test_unsupported_system_gets_every_command(project):
    project.write_tool("apt-get", None)
    project.write_tool("dpkg-query", None)
    done = project.run()
    assert done.returncode == 1 and done.stdout == ""
    commands = [line.strip() for line in done.stderr.splitlines() if line.startswith("    ")]
    assert commands[0] == "sudo apt-get update"
    assert commands[1].startswith("sudo apt-get install --yes --no-install-recommends sonic-pi-")
    locks = [command.split(" -r ")[1] for command in commands if " pip install " in command]
    assert locks == [f"requirements/{name}.lock" for name in ("torch", "base", "encoders")]
    assert ".venv/bin/python -m core.sonicpi.newer_sonic_pi_sound_installer" in commands
    assert not (project.project / ".venv").exists()


def test_without_root_the_commands_for_root_are_printed(project):
    project.write_tool("dpkg-query", NONE_INSTALLED)
    prefix = ()
    if os.geteuid() == 0:
        prefix = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
        for folder in (project.project, project.project / "artifacts"):
            folder.chmod(0o777)
    done = project.run("test", prefix=prefix)
    assert done.returncode == 1
    assert "su -c 'apt-get install --yes --no-install-recommends sonic-pi-server" in done.stderr
    assert "chromium" in done.stderr
    assert not (project.project / ".venv").exists()
    # sudo that needs a password is never called, only named.
    project.write_tool("sudo", "#!/bin/bash\n[[ $1 == -n ]] && exit 1\necho 'a question?'\n")
    done = project.run("jobs", prefix=prefix)
    assert done.returncode == 1
    assert "    sudo apt-get install --yes" in done.stderr and "?" not in done.stdout


def test_sudo_without_password_installs_missing_packages(project):
    # This apt-get writes a marker file. dpkg-query then reports every package as installed.
    marks = project.root / "marks"
    project.write_tool(
        "apt-get",
        f'#!/bin/bash\nprintf "%s %s\\n" "$DEBIAN_FRONTEND" "$*" >>"{marks}"\n',
    )
    project.write_tool("dpkg", "#!/bin/bash\n")
    project.write_tool(
        "dpkg-query", f'#!/bin/bash\n[[ -f "{marks}" ]] || exit 1\n' + ALL_INSTALLED[12:]
    )
    project.write_tool("sudo", '#!/bin/bash\n[[ $1 == -n ]] && shift && exec "$@"\nexit 1\n')
    prefix = ()
    if os.geteuid() == 0:
        prefix = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
        os.chmod(project.root, 0o777)
        for folder in (project.project, project.project / "artifacts"):
            folder.chmod(0o777)
    done = project.run("jobs", prefix=prefix)
    words = marks.read_text().split()
    assert words[0] == "noninteractive" and {"--yes", "--no-install-recommends"} <= set(words)
    assert {"sonic-pi-server", "bubblewrap", "ruby"} <= set(words)
    assert done.stderr.startswith("Installing Debian packages: sonic-pi-server")


def test_python_that_is_too_old_is_skipped(project):
    project.write_tool("python3", "#!/bin/bash\nexit 1\n")
    (project.bin / f"python3.{sys.version_info[1]}").symlink_to(PYTHON)
    done = project.run("jobs")
    assert done.returncode == 0, done.stderr
    assert f"Creating .venv with {project.bin}/python3.{sys.version_info[1]}" in done.stderr


def test_mistyped_command_installs_nothing(project):
    done = project.run("bild")
    assert done.returncode == 2 and "no command 'bild'" in done.stderr
    assert not (project.project / ".venv").exists()


@pytest.mark.parametrize("port", ["", "0", "65536", "80a", "-1", "08501", "1e3"])
def test_invalid_port_is_refused_first(project, port):
    for argv in (("--port", port), (f"--port={port}",)):
        done = project.run(*argv)
        assert done.returncode == 2 and "1 to 65535" in done.stderr
    assert not (project.project / ".venv").exists()


def find_free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def test_dashboard_prints_its_address_once_it_responds(prepared_project):
    port = find_free_port()
    process = prepared_project.start("--port", str(port))
    try:
        line = process.stderr.readline()
        assert f"http://127.0.0.1:{port}" in line
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"GET /_stcore/health HTTP/1.0\r\n\r\n")
            assert b" 200 " in connection.recv(100)
    finally:
        process.terminate()
        process.communicate(timeout=60)


def test_port_in_use_is_reported_with_another(prepared_project):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        done = prepared_project.run("--port", str(port))
    assert done.returncode == 1
    assert f"Port {port}" in done.stderr and "./run --port" in done.stderr


LINT_TOOLS = ("ruff", "mypy", "codespell", "shellcheck")


@pytest.fixture
def project_with_lint_tools(prepared_project):
    """The project with lint tools that log their call; a test may replace one."""
    prepared_project.run("lint")
    calls = prepared_project.root / "calls"
    calls.unlink(missing_ok=True)
    for tool in LINT_TOOLS:
        path = prepared_project.project / ".venv/bin" / tool
        path.write_text(f'#!/bin/bash\necho "{tool} $*" >>"{calls}"\n')
        path.chmod(0o755)
    return prepared_project


def fail_tool(project, tool: str) -> None:
    path = project.project / ".venv/bin" / tool
    path.write_text(f"#!/bin/bash\necho '{tool} found a problem'\nexit 1\n")


def test_lint_runs_every_tool(project_with_lint_tools):
    done = project_with_lint_tools.run("lint")
    assert (done.returncode, done.stderr) == (0, "Lint passed.\n")
    calls = (project_with_lint_tools.root / "calls").read_text().splitlines()
    assert [call.split()[0] for call in calls] == ["ruff", *LINT_TOOLS]
    assert calls[-1] == "shellcheck run .ci/audit .ci/lock .ci/run"


def test_lint_shows_what_fails_and_goes_on(project_with_lint_tools):
    fail_tool(project_with_lint_tools, "mypy")
    done = project_with_lint_tools.run("lint")
    assert done.returncode == 1
    assert "== mypy\nmypy found a problem" in done.stderr
    assert done.stderr.endswith("Lint failed: mypy\n")
    assert "shellcheck" in (project_with_lint_tools.root / "calls").read_text()


def test_lint_refuses_suppressions_without_a_reason(project_with_lint_tools):
    module = project_with_lint_tools.project / "core/module.py"
    module.write_text("import os  # noqa: F401\n")
    done = project_with_lint_tools.run("lint")
    assert done.returncode == 1 and "core/module.py:1:" in done.stderr
    module.write_text("import os  # noqa: F401 - importing it registers a codec\n")
    assert project_with_lint_tools.run("lint").returncode == 0
    module.unlink()


def test_tests_run_after_lint_and_fail_if_lint_fails(project_with_lint_tools):
    done = project_with_lint_tools.run("test", "tests/unit", "-x")
    assert (done.returncode, done.stdout) == (0, "tests/unit -x 1 passed\n")
    fail_tool(project_with_lint_tools, "codespell")
    done = project_with_lint_tools.run("test")
    assert done.returncode == 1 and "Lint failed: codespell" in done.stderr
    # Without arguments, two processes share the tests.
    assert done.stdout.startswith("--numprocesses 2 ") and done.stdout.endswith("1 passed\n")


def test_version_needs_no_set_up(project):
    done = project.run("--version")
    assert (done.returncode, done.stdout) == (0, "Earshot 1.2.3\n")
    assert not (project.project / ".venv").exists()
