"""Hostile programs do no harm, and the program after one renders as before."""

from __future__ import annotations

import os
import shutil
import socket
import threading
from pathlib import Path

import numpy as np
import pytest

from core.errors import EarshotError
from core.sonicpi import RenderLimits, render, render_programs_in_parallel, sandbox
from core.sonicpi.render_worker import RenderWorker

HARMLESS = "play 60, release: 0.5"
LIMITS = RenderLimits(
    cpu_s=3, synthesis_cpu_s=10, wall_s=15, memory_mb=1024, processes=128, synths=300
)


@pytest.fixture(scope="module")
def worker():
    worker = RenderWorker(LIMITS)
    yield worker
    worker.close()


@pytest.fixture(scope="module")
def harmless_samples(worker):
    return worker.render(HARMLESS, 1.0).clip.samples


@pytest.fixture(autouse=True)
def check_next_program(worker, harmless_samples):
    """After every attack, a harmless program has the same samples as before."""
    yield
    result = worker.render(HARMLESS, 1.0)
    assert result.has_clip and np.array_equal(result.clip.samples, harmless_samples)


def attack(worker: RenderWorker, source: str, seconds: float = 2.0):
    """Render a hostile program; most end in a note, so that the program has a clip if it runs."""
    return worker.render(source, seconds)


def test_cannot_read_the_users_files(worker, tmp_path: Path):
    secret = tmp_path / "secret.txt"
    secret.write_text("hidden")
    error = attack(worker, f"raise File.read({str(secret)!r})").error
    assert error.kind == "runtime" and "ENOENT" in error.message and "hidden" not in error.message
    for path in (Path.home(), Path(__file__).parent, "/root", "/home", "/var", "/etc/passwd"):
        error = attack(worker, f"raise 'found' if File.exist?({str(path)!r})\nraise 'gone'").error
        assert error.message == "RuntimeError: gone", path


def test_cannot_write_outside(worker, tmp_path: Path):
    target = tmp_path / "written"
    for path in (target, Path("/usr/share/sonic-pi/written"), Path("/earshot/host/written")):
        error = attack(worker, f"File.write({str(path)!r}, 'x')").error
        assert error.kind == "runtime"
        assert any(name in error.message for name in ("ENOENT", "EROFS")), error
        assert not path.exists()


def test_files_in_the_home_of_the_sandbox_are_removed(worker):
    assert attack(
        worker, "File.write('/tmp/left', 'x'); File.write(Dir.home + '/left', 'x'); play 60"
    ).has_clip
    source = "raise 'left' if File.exist?('/tmp/left') || File.exist?(Dir.home + '/left')\nplay 60"
    assert attack(worker, source).has_clip


def test_cannot_write_a_large_file_or_many_files(worker):
    error = attack(worker, "play 60\nFile.write('/tmp/x', 'x' * (65 << 20))").error
    assert (error.kind, error.line) == ("runtime", 2) and "EFBIG" in error.message
    error = attack(
        worker, "play 60\n9.times { |n| File.write(\"/tmp/#{n}\", 'x' * (60 << 20)) }"
    ).error
    assert (error.kind, error.line) == ("runtime", 2) and "ENOSPC" in error.message


def test_cannot_reach_the_network(worker):
    server = socket.create_server(("127.0.0.1", 0))
    was_reached = threading.Event()

    def accept():
        try:
            server.accept()
            was_reached.set()
        except OSError:
            pass

    threading.Thread(target=accept, daemon=True).start()
    port = server.getsockname()[1]
    error = attack(worker, f"require 'socket'\nTCPSocket.new('127.0.0.1', {port})").error
    server.close()
    assert error.kind == "runtime" and not was_reached.is_set()


@pytest.mark.parametrize(
    "start",
    ["fork", "spawn('true')", "system('true')", "`true`", "IO.popen('true')", "exec 'true'"],
)
def test_starting_processes_is_forbidden(worker, start):
    error = attack(worker, f"play 60\nloop {{ {start}; sleep 0.01 }}").error
    assert (error.kind, error.line) == ("forbidden", 2)


# `syscall` forks without the methods above.
FORK = "RUBY_PLATFORM.start_with?('x86_64') ? syscall(57) : syscall(220, 17, 0, 0, 0, 0)"


def test_forking_by_system_call_is_limited(harmless_samples):
    worker = RenderWorker(RenderLimits(cpu_s=2, wall_s=4, processes=40))
    result = worker.render(f"play 60\n10.times {{ ({FORK}) rescue break }}\nsleep 1", 2.0)
    accepted_errors = ("runtime", "timeout", "crashed", "memory", "silent")
    assert result.has_clip or result.error.kind in accepted_errors
    assert np.array_equal(worker.render(HARMLESS, 1.0).clip.samples, harmless_samples)
    worker.close()


def test_a_process_that_outlives_its_program_is_killed(worker):
    forks = f"sleep 0.1\nif ({FORK}).zero?\n  Process.setsid\n  while true\n  end\nend\nplay 60"
    attack(worker, forks)
    count_processes = (
        "n = Dir.children('/proc').grep(/^\\d+$/).size\nraise n.to_s if n > 3\nplay 60"
    )
    result = attack(worker, count_processes)
    assert result.has_clip, result.error


def test_endless_allocation_is_a_memory_error(worker):
    error = attack(worker, "x = []\nloop { x << 'a' * 10_000_000; sleep 0.001 }").error
    assert error.kind == "memory"


def test_an_endless_loop_is_a_timeout(worker):
    error = attack(worker, "play 60\nwhile true\nend").error
    assert (error.kind, error.line) == ("timeout", 2)


def test_exceeding_the_elapsed_time_is_a_timeout():
    worker = RenderWorker(RenderLimits(cpu_s=60, wall_s=1))
    error = attack(worker, "play 60\nwhile true\nend").error
    worker.close()
    assert (error.kind, error.line) == ("timeout", 2) and "longer than 1 s" in error.message


def test_too_many_synths_are_an_error(worker):
    source = "live_loop :a do\n  20.times { play 60, sustain: 100 }\n  sleep 0.1\nend"
    error = attack(worker, source, 18.0).error
    assert (error.kind, error.line) == ("too_many_synths", 2)


def test_signals_do_not_reach_the_host(worker, harmless_samples):
    source = """
    %i[KILL STOP TERM INT HUP QUIT USR1].each { |signal| Process.kill(signal, Process.ppid) }
    play 60, release: 0.5
    """
    assert np.array_equal(attack(worker, source, 1.0).clip.samples, harmless_samples)


def test_a_killed_host_is_replaced():
    # Ruby cannot ignore SIGSEGV, so the host ends.
    program = "Process.kill(:SEGV, Process.ppid); sleep 1; play 60"
    results = dict(
        render_programs_in_parallel([HARMLESS, program, HARMLESS], 1.0, workers=1, limits=LIMITS)
    )
    assert results[0].has_clip and results[2].has_clip
    assert results[1].error.kind == "crashed"
    assert np.array_equal(results[0].clip.samples, results[2].clip.samples)


@pytest.mark.parametrize(
    "statement",
    [
        "File.open('/proc/1/mem', 'r+b') { |memory| memory.seek(4096); memory.write('x') }",
        "raise File.binread('/proc/1/mem', 1, 4096)",
        "File.write('/proc/1/fd/1', 'forged')",
        "raise File.readlink('/proc/1/exe')",
        "raise File.read('/proc/1/environ')",
        "syscall(101, 16, 1, 0, 0)",  # ptrace, PTRACE_ATTACH
    ],
)
def test_cannot_open_or_trace_the_host(worker, statement):
    error = attack(worker, f"play 60\n{statement}").error
    assert (error.kind, error.line) == ("runtime", 2)
    assert "EACCES" in error.message or "EPERM" in error.message, error


def test_has_no_access_to_the_hosts_pipes(worker):
    source = """
    pipes = (0..50).select { |n| File.pipe?("/proc/self/fd/#{n}") }
    raise pipes.inspect if pipes.size > 1 # its result; Ruby's own are eventfds
    play 60
    """
    assert attack(worker, source).has_clip


def test_endless_output_is_an_error(worker):
    error = attack(worker, "while true\n  puts 'x' * 1000; $stdout.puts 'y' * 1000\nend").error
    assert error.kind in ("timeout", "memory", "no_sleep")


def test_changes_to_the_hosts_code_are_discarded(worker):
    monkey_patch = """
    class VirtualTime::Timer; def time; 0; end; end
    module VirtualTime; def self.time; raise 'patched'; end; end
    class Score; def to_binary(*) ; 'x' * 100; end; end
    class String; def +(other); 'patched'; end; end
    """
    result = attack(worker, monkey_patch + "\nplay 60")
    assert result.error is not None


def test_a_score_cannot_write_files(worker, tmp_path: Path):
    target = tmp_path / "score.wav"
    source = f"""
    LINK.score.add_message(VirtualTime.now, '/b_alloc', [9, 44100, 1])
    [{str(target)!r}, '/usr/share/score.wav'].each do |path|
      LINK.score.add_message(VirtualTime.now, '/b_write', [9, path, 'wav', 'int16', -1, 0, 0])
    end
    play 60
    """
    assert attack(worker, source).has_clip
    assert not target.exists() and not Path("/usr/share/score.wav").exists()


@pytest.mark.parametrize(
    "commands",
    [
        "[['/d_load', ['/etc/passwd']], ['/d_loadDir', ['/']]]",
        "[['/d_recv', ['x' * 400]], ['/u_cmd', [1, 0, 'x', 9]], ['/cmd', ['x', '/tmp/x']]]",
        "[['/b_allocRead', [9, '/proc/1/environ']],"
        " ['/b_write', [9, '/dev/full', 'wav', 'int16', -1, 0, 1]]]",
        "[['/dumpOSC', [3]], ['/g_dumpTree', [0, 1]], ['/n_trace', [1]], ['/quit', []]]",
        "[['/b_alloc', [9, 1 << 30, 64]], ['/nonsense', [1]]]",
    ],
)
def test_no_command_to_the_server_does_harm(worker, commands):
    source = (
        f"{commands}.each do |address, args|\n"
        "  LINK.score.add_message(VirtualTime.now, address, args)\n"
        "end\nplay 60"
    )
    result = attack(worker, source)
    assert result.has_clip or result.error.kind == "crashed", result.error


def test_the_file_size_of_a_score_is_limited(worker):
    source = """
    LINK.score.add_message(VirtualTime.now, '/b_alloc', [9, 44100 * 600, 2])
    200.times do |n|
      args = [9, "/tmp/#{n}", 'wav', 'float', -1, 0, 0]
      LINK.score.add_message(VirtualTime.now, '/b_write', args)
    end
    play 60
    """
    result = attack(worker, source)
    assert result.has_clip or result.error.kind == "crashed", result.error
    error = attack(worker, "raise Dir.children('/tmp').inspect").error
    assert ".wav" not in error.message and '"0"' not in error.message


def test_a_link_in_the_sample_folder_is_not_followed(tmp_path: Path, harmless_samples):
    secret = tmp_path / "secret.wav"
    render("synth :saw", 1.0).save(secret)
    pack = tmp_path / "pack"
    pack.mkdir()
    (pack / "link.wav").symlink_to(secret)
    (pack / "out").symlink_to(tmp_path)
    worker = RenderWorker(LIMITS, (pack,))
    assert worker.render(f"sample '{pack}/link.wav'", 1.0).error.kind == "silent"
    assert worker.render(f"sample '{pack}/out/secret.wav'", 1.0).error.kind == "silent"
    error = worker.render(f"File.write('{pack}/new', 'x')", 1.0).error
    assert "EROFS" in error.message and not (pack / "new").exists()
    assert np.array_equal(worker.render(HARMLESS, 1.0).clip.samples, harmless_samples)
    worker.close()


@pytest.mark.parametrize("path", ["../../../etc/passwd", "/etc/shadow", "../../../../root"])
def test_a_sample_path_cannot_leave_its_folder(worker, path):
    result = attack(worker, f"sample '/usr/share/sonic-pi/samples/{path}'\nplay 60")
    assert not result.has_clip or any(w.kind == "missing_sample" for w in result.warnings)


def test_endless_loop_of_zero_sleeps_is_an_error(worker):
    error = attack(worker, "play 60\nwhile true\n  sleep 0\nend").error
    assert error.kind in ("timeout", "runtime")


def test_deep_recursion_is_a_runtime_error(worker):
    error = attack(worker, "define :f do\n  f\nend\nf").error
    assert error.kind == "runtime" and "SystemStackError" in error.message


def test_standard_input_is_empty(worker):
    assert attack(worker, "x = $stdin.read\nplay 60").has_clip


def test_forged_answers_do_not_confuse_the_renderer(worker):
    forged = """
    ObjectSpace.each_object(IO) { |io| io.write('{"error":null}' * 10) rescue nil }
    play 60
    """
    result = attack(worker, forged)
    assert result.has_clip or result.error.kind in ("crashed", "runtime", "silent")


def test_has_no_capabilities_devices_or_other_processes(worker):
    source = """
    caps = File.read('/proc/self/status')[/CapEff:\\s+(\\h+)/, 1]
    raise "caps #{caps}" unless caps.to_i(16).zero?
    devices = Dir.children('/dev') - %w[null zero full random urandom tty console shm pts ptmx fd
                                        stdin stdout stderr core]
    raise devices.inspect unless devices.empty?
    raise Process.uid.to_s + Dir.children('/').inspect if File.exist?('/sys')
    play 60
    """
    result = attack(worker, source)
    assert result.has_clip, result.error


def test_without_permission_for_bubblewrap_rendering_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    failing_bubblewrap = tmp_path / "bwrap"
    failing_bubblewrap.write_text(
        "#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n"
    )
    failing_bubblewrap.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(sandbox, "CONTAINER_MARKER_FILES", ())
    monkeypatch.delenv("container", raising=False)
    sandbox.check_sandbox.cache_clear()
    try:
        with pytest.raises(
            EarshotError, match="is not permitted here.*No permissions.*Allow unprivileged"
        ):
            sandbox.require_sandbox()
        monkeypatch.setenv("EARSHOT_NO_SANDBOX", "1")
        sandbox.require_sandbox()  # The user has disabled the sandbox.
        sandbox.check_sandbox.cache_clear()
        monkeypatch.setenv("container", "podman")
        assert "--security-opt unmask=ALL" in sandbox.check_sandbox()[1]
    finally:
        sandbox.check_sandbox.cache_clear()


def test_a_container_that_refuses_host_names_still_has_a_sandbox(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    strict_bubblewrap = tmp_path / "bwrap"
    strict_bubblewrap.write_text(
        '#!/bin/sh\ncase "$*" in *--hostname*) echo "bwrap: Can\'t set hostname to earshot:'
        f' Operation not permitted" >&2; exit 1;; esac\nexec {shutil.which("bwrap")} "$@"\n'
    )
    strict_bubblewrap.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    caches = (sandbox.check_sandbox, sandbox.can_set_hostname)
    monkeypatch.setattr(sandbox, "CONTAINER_MARKER_FILES", ())
    try:
        for variable, is_permitted in (("container", True), ("no_container", False)):
            for cache in caches:
                cache.cache_clear()
            monkeypatch.delenv("container", raising=False)
            monkeypatch.setenv(variable, "podman")
            assert sandbox.check_sandbox()[0] is is_permitted
    finally:
        for cache in caches:
            cache.cache_clear()


def test_without_bubblewrap_rendering_is_an_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(Path(os.devnull).parent))
    sandbox.check_sandbox.cache_clear()
    try:
        with pytest.raises(EarshotError, match="bubblewrap is not installed.*EARSHOT_NO_SANDBOX"):
            sandbox.require_sandbox()
    finally:
        sandbox.check_sandbox.cache_clear()
