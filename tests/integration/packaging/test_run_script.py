"""The launcher on systems that this one is made to look like, with a tiny Earshot behind it.

Bash, pip, venv and flock are the real ones. What differs is what lies on PATH, and that the
requirements name wheels of one line each, so that setting up takes seconds and no network.
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
    "bash cat dirname env flock grep mkdir readlink rm sed setpriv sha256sum sleep tail true uname"
).split()
ALL_INSTALLED = """#!/bin/bash
# Debian's dpkg-query on a machine where all that is asked about is installed.
for package in "${@:3}"; do printf '%s ii \\n' "$package"; done
"""
NONE_INSTALLED = "#!/bin/bash\nexit 1\n"
NOT_TO_BE_CALLED = '#!/bin/bash\necho "called: $0 $*" >&2\nexit 77\n'
# A server that answers as Streamlit does, which is all that the launcher sees of it.
SERVER = """
import http.server, sys
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/_stcore/health" else 404)
        self.end_headers()
    def log_message(self, *words):
        pass
assert sys.argv[1:4] == ["run", "server.py", "--server.port"], sys.argv
http.server.HTTPServer(("127.0.0.1", int(sys.argv[4])), Answer).serve_forever()
"""


def write_wheel(folder: Path, name: str, version: str, main: str = "", metadata: str = "") -> None:
    """Write a wheel of a package that holds its version and, perhaps, a main program."""
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


class Place:
    """A project folder with the launcher in it, and a PATH of its own."""

    def __init__(self, root: Path):
        self.root = root
        self.project = root / "my project"
        self.wheels = root / "wheels"
        self.bin = root / "bin"
        folders = ("core", "artifacts", "requirements")
        for folder in (*(self.project / name for name in folders), self.wheels, self.bin):
            folder.mkdir(parents=True)
        shutil.copy(PROJECT / "run", self.project)
        (self.project / "core/__init__.py").touch()
        (self.project / "core/__main__.py").write_text(
            "import os, sys; print(os.getcwd(), *sys.argv[1:], sep='|')"
        )
        write_wheel(self.wheels, "torch", "2.13.0")
        write_wheel(self.wheels, "streamlit", "1.0", SERVER)
        write_wheel(self.wheels, "weights", "0.1")
        self.require("torch==2.13.0", "streamlit==1.0")
        self.lock("encoders", "weights==0.1")
        self.lock("cuda")
        self.lock("auth")
        self.lock("openvino")
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool))
        (self.bin / "python3").symlink_to(PYTHON)
        self.tool("dpkg-query", ALL_INSTALLED)
        self.tool("apt-get", NOT_TO_BE_CALLED)

    def require(self, torch: str, *pins: str) -> None:
        (self.project / "requirements.txt").write_text("\n".join((torch, *pins, "")))
        self.lock("torch", torch)
        self.lock("base", *pins)

    def lock(self, name: str, *pins: str) -> None:
        """Write a lock of these pins, with the hashes that their wheels have now."""
        lines = ["# locked"]
        for pin in pins:
            wheel = self.wheels / f"{pin.replace('==', '-')}-py3-none-any.whl"
            lines.append(f"{pin} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}")
        (self.project / f"requirements/{name}.lock").write_text("\n".join((*lines, "")))

    def tool(self, name: str, script: str | None) -> None:
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
            # Compiling pip itself takes longer than all else.
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

    def installed(self, package: str) -> str:
        """The version of a package that the environment imports."""
        python = self.project / ".venv/bin/python"
        return subprocess.run(
            [python, "-c", f"import {package}; print({package}.version)"],
            capture_output=True,
            text=True,
        ).stdout.strip()


@pytest.fixture
def place():
    # Not pytest's own folder: nobody but its owner may enter that.
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Place(Path(folder))


@pytest.fixture(scope="module")
def ready():
    """A place that is set up; tests leave it so."""
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder))
        done = place.run("jobs")
        assert done.returncode == 0, done.stderr
        place.first = done
        yield place


def test_it_sets_up_in_a_line_a_step_and_runs_the_command(ready):
    lines = ready.first.stderr.splitlines()
    assert re.match(r"Creating \.venv with .*/python3$", lines[0])
    assert [line.split(" (")[0] for line in lines[1:]] == [
        "Installing torch==2.13.0",
        "Installing requirements/base.lock",
        "Installing the encoders with bundled weights",
    ]
    assert ready.first.stdout == f"{ready.root}|jobs\n"
    assert [ready.installed(p) for p in ("torch", "streamlit", "weights")] == [
        "2.13.0",
        "1.0",
        "0.1",
    ]


def test_when_nothing_is_missing_it_does_nothing(ready):
    log = ready.project / "artifacts/setup.log"
    before = log.stat().st_mtime_ns
    done = ready.run("build", "a b", "--x")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{ready.root}|build|a b|--x\n"
    # Every step of a set-up writes to the log.
    assert log.stat().st_mtime_ns == before


def test_an_interrupted_set_up_is_completed(ready):
    # As a kill leaves it: no stamp, a package of which some files were not yet written.
    venv = ready.project / ".venv"
    (venv / "earshot-base").unlink()
    packages = next(venv.glob("lib/python3*/site-packages"))
    (packages / "streamlit/__init__.py").unlink()
    (packages / "streamlit-1.0.dist-info/INSTALLER").unlink()
    done = ready.run("jobs")
    assert done.returncode == 0, done.stderr
    assert "Creating .venv" not in done.stderr
    assert ready.installed("streamlit") == "1.0"
    assert ready.run("jobs").stderr == ""


@pytest.mark.parametrize("lost", ["bin/python", "pip"])
def test_a_half_made_environment_is_made_anew(ready, lost):
    venv = ready.project / ".venv"
    if lost == "pip":
        shutil.rmtree(next(venv.glob("lib/python3*/site-packages/pip")))
        (venv / "earshot-base").unlink()
    else:
        (venv / lost).unlink()
    done = ready.run("jobs")
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("Creating .venv")
    assert ready.installed("torch") == "2.13.0"


def test_changed_requirements_are_installed(ready):
    write_wheel(ready.wheels, "streamlit", "1.1", SERVER)
    ready.require("torch==2.13.0", "streamlit==1.1")
    done = ready.run("jobs")
    assert done.returncode == 0 and "Creating .venv" not in done.stderr
    assert ready.installed("streamlit") == "1.1"


def test_a_step_that_fails_shows_why_and_the_next_run_completes_it(place):
    wheel = next(place.wheels.glob("weights*"))
    aside = wheel.rename(place.root / "aside.whl")
    done = place.run("jobs")
    assert done.returncode == 1 and done.stdout == ""
    assert "No matching distribution found for weights==0.1" in done.stderr
    assert (
        "artifacts/setup.log" in done.stderr
        and "Fix the cause, then run ./run again" in done.stderr
    )
    aside.rename(wheel)
    done = place.run("jobs")
    assert done.returncode == 0, done.stderr
    assert place.installed("weights") == "0.1"


@pytest.mark.parametrize("package, version", [("torch", "2.13.0"), ("streamlit", "1.0")])
def test_a_file_that_is_not_the_locked_one_is_refused(place, package, version):
    write_wheel(place.wheels, package, version, SERVER + "# not the same")
    done = place.run("jobs")
    assert done.returncode == 1 and done.stdout == ""
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in done.stderr
    assert place.installed(package) == ""
    assert not (place.project / ".venv/earshot-base").exists()


def test_a_torch_that_asks_for_cuda_gets_it(place):
    write_wheel(place.wheels, "nvidia", "13.0")
    place.lock("cuda", "nvidia==13.0")
    asking = "Requires-Dist: nvidia-cublas==13.0; sys_platform == 'linux'\n"
    write_wheel(place.wheels, "torch", "2.13.0", metadata=asking)
    place.lock("torch", "torch==2.13.0")
    done = place.run("jobs")
    assert done.returncode == 0, done.stderr
    assert place.installed("nvidia") == "13.0"


def test_two_at_the_same_time_set_up_once(place):
    both = [place.start("jobs"), place.start("jobs")]
    outputs = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert sum("Creating .venv" in err for _, err in outputs) == 1


def test_another_system_is_told_every_command(place):
    place.tool("apt-get", None)
    place.tool("dpkg-query", None)
    done = place.run()
    assert done.returncode == 1 and done.stdout == ""
    commands = [line.strip() for line in done.stderr.splitlines() if line.startswith("    ")]
    assert commands[0] == "sudo apt-get update"
    assert commands[1].startswith("sudo apt-get install --yes --no-install-recommends sonic-pi-")
    locks = [command.split(" -r ")[1] for command in commands if " pip install " in command]
    assert locks == [f"requirements/{name}.lock" for name in ("torch", "base", "encoders")]
    assert not (place.project / ".venv").exists()


def test_without_root_it_names_the_commands_for_root(place):
    place.tool("dpkg-query", NONE_INSTALLED)
    prefix = ()
    if os.geteuid() == 0:
        prefix = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
        for folder in (place.project, place.project / "artifacts"):
            folder.chmod(0o777)
    done = place.run("test", prefix=prefix)
    assert done.returncode == 1
    assert "su -c 'apt-get install --yes --no-install-recommends sonic-pi-server" in done.stderr
    assert "chromium" in done.stderr
    assert not (place.project / ".venv").exists()
    # With sudo that asks for a password: never asked, but named.
    place.tool("sudo", "#!/bin/bash\n[[ $1 == -n ]] && exit 1\necho 'a question?'\n")
    done = place.run("jobs", prefix=prefix)
    assert done.returncode == 1
    assert "    sudo apt-get install --yes" in done.stderr and "?" not in done.stdout


def test_with_sudo_that_asks_nothing_it_installs_what_is_missing(place):
    # The stand-in for apt-get installs by marking; dpkg-query then finds all there.
    marks = place.root / "marks"
    place.tool(
        "apt-get",
        f'#!/bin/bash\nprintf "%s %s\\n" "$DEBIAN_FRONTEND" "$*" >>"{marks}"\n',
    )
    place.tool("dpkg", "#!/bin/bash\n")
    place.tool("dpkg-query", f'#!/bin/bash\n[[ -f "{marks}" ]] || exit 1\n' + ALL_INSTALLED[12:])
    place.tool("sudo", '#!/bin/bash\n[[ $1 == -n ]] && shift && exec "$@"\nexit 1\n')
    prefix = ()
    if os.geteuid() == 0:
        prefix = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
        os.chmod(place.root, 0o777)
        for folder in (place.project, place.project / "artifacts"):
            folder.chmod(0o777)
    done = place.run("jobs", prefix=prefix)
    asked = marks.read_text().split()
    assert asked[0] == "noninteractive" and {"--yes", "--no-install-recommends"} <= set(asked)
    assert {"sonic-pi-server", "bubblewrap", "ruby"} <= set(asked)
    assert done.stderr.startswith("Installing Debian packages: sonic-pi-server")


def test_a_python_that_is_too_old_is_passed_over(place):
    place.tool("python3", "#!/bin/bash\nexit 1\n")
    (place.bin / f"python3.{sys.version_info[1]}").symlink_to(PYTHON)
    done = place.run("jobs")
    assert done.returncode == 0, done.stderr
    assert f"Creating .venv with {place.bin}/python3.{sys.version_info[1]}" in done.stderr


def test_a_mistyped_command_sets_nothing_up(place):
    done = place.run("bild")
    assert done.returncode == 2 and "no command 'bild'" in done.stderr
    assert not (place.project / ".venv").exists()


@pytest.mark.parametrize("port", ["", "0", "65536", "80a", "-1", "08501", "1e3"])
def test_a_port_that_is_none_is_refused_before_all_else(place, port):
    for argv in (("--port", port), (f"--port={port}",)):
        done = place.run(*argv)
        assert done.returncode == 2 and "1 to 65535" in done.stderr
    assert not (place.project / ".venv").exists()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def test_the_dashboard_says_where_it_is_once_it_answers(ready):
    port = free_port()
    process = ready.start("--port", str(port))
    try:
        line = process.stderr.readline()
        assert f"http://127.0.0.1:{port}" in line
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"GET /_stcore/health HTTP/1.0\r\n\r\n")
            assert b" 200 " in connection.recv(100)
    finally:
        process.terminate()
        process.communicate(timeout=60)


def test_a_port_that_is_taken_is_told_with_another(ready):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = ready.run("--port", str(port))
    assert done.returncode == 1
    assert f"Port {port}" in done.stderr and "./run --port" in done.stderr
