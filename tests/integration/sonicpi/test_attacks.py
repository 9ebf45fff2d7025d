"""What a hostile program may try, what becomes of it, and that the next one renders as ever."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import numpy as np
import pytest

from core.sonicpi import RenderLimits, render, render_many
from core.sonicpi.worker import RenderWorker

GOOD = "play 60, release: 0.5"
LIMITS = RenderLimits(cpu_s=3, synthesis_cpu_s=10, wall_s=15, memory_mb=1024, processes=128, synths=300)


@pytest.fixture(scope="module")
def worker():
    one = RenderWorker(LIMITS)
    yield one
    one.close()


@pytest.fixture(scope="module")
def good(worker):
    return worker.render(GOOD, 1.0).clip.samples


@pytest.fixture(autouse=True)
def the_next_program_renders_as_ever(worker, good):
    yield
    after = worker.render(GOOD, 1.0)
    assert after.ok and np.array_equal(after.clip.samples, good)


def attacked(worker: RenderWorker, source: str, seconds: float = 2.0):
    """Render a program that ends in a note only if its attack went unhindered."""
    return worker.render(source, seconds)


def test_cannot_read_the_users_files(worker, tmp_path: Path):
    secret = tmp_path / "secret.txt"
    secret.write_text("hidden")
    error = attacked(worker, f"raise File.read({str(secret)!r})").error
    assert error.kind == "runtime" and "ENOENT" in error.message and "hidden" not in error.message
    for path in (Path.home(), Path(__file__).parent, "/root", "/home", "/var", "/etc/passwd"):
        error = attacked(worker, f"raise 'there' if File.exist?({str(path)!r})\nraise 'gone'").error
        assert error.message == "RuntimeError: gone", path


def test_cannot_write_outside(worker, tmp_path: Path):
    target = tmp_path / "written"
    for path in (target, Path("/usr/share/sonic-pi/written"), Path("/earshot/host/written")):
        error = attacked(worker, f"File.write({str(path)!r}, 'x')").error
        assert error.kind == "runtime"
        assert any(name in error.message for name in ("ENOENT", "EROFS")), error
        assert not path.exists()


def test_what_it_leaves_in_its_own_home_is_gone(worker):
    assert attacked(
        worker, "File.write('/tmp/left', 'x'); File.write(Dir.home + '/left', 'x'); play 60"
    ).has_clip
    source = "raise 'left' if File.exist?('/tmp/left') || File.exist?(Dir.home + '/left')\nplay 60"
    assert attacked(worker, source).has_clip


def test_cannot_write_a_large_file_nor_many(worker):
    error = attacked(worker, "play 60\nFile.write('/tmp/x', 'x' * (65 << 20))").error
    assert (error.kind, error.line) == ("runtime", 2) and "EFBIG" in error.message
    error = attacked(
        worker, "play 60\n9.times { |n| File.write(\"/tmp/#{n}\", 'x' * (60 << 20)) }"
    ).error
    assert (error.kind, error.line) == ("runtime", 2) and "ENOSPC" in error.message


def test_cannot_reach_the_network(worker):
    listening = socket.create_server(("127.0.0.1", 0))
    reached = threading.Event()

    def accept():
        try:
            listening.accept()
            reached.set()
        except OSError:
            pass

    threading.Thread(target=accept, daemon=True).start()
    port = listening.getsockname()[1]
    error = attacked(worker, f"require 'socket'\nTCPSocket.new('127.0.0.1', {port})").error
    listening.close()
    assert error.kind == "runtime" and not reached.is_set()


@pytest.mark.parametrize(
    "start",
    ["fork", "spawn('true')", "system('true')", "`true`", "IO.popen('true')", "exec 'true'"],
)
def test_starting_processes_is_forbidden(worker, start):
    error = attacked(worker, f"play 60\nloop {{ {start}; sleep 0.01 }}").error
    assert (error.kind, error.line) == ("forbidden", 2)


# Ruby's own way around the names above: the system call.
FORK = "RUBY_PLATFORM.start_with?('x86_64') ? syscall(57) : syscall(220, 17, 0, 0, 0, 0)"


def test_forking_behind_the_hosts_back_is_bounded(good):
    few = RenderWorker(RenderLimits(cpu_s=2, wall_s=4, processes=40))
    result = few.render(f"play 60\n10.times {{ ({FORK}) rescue break }}\nsleep 1", 2.0)
    assert result.has_clip or result.error.kind in ("runtime", "timeout", "crashed", "memory", "silent")
    assert np.array_equal(few.render(GOOD, 1.0).clip.samples, good)
    few.close()


def test_a_process_left_behind_is_ended(worker):
    left = f"sleep 0.1\nif ({FORK}).zero?\n  Process.setsid\n  while true\n  end\nend\nplay 60"
    attacked(worker, left)
    counted = "n = Dir.children('/proc').grep(/^\\d+$/).size\nraise n.to_s if n > 3\nplay 60"
    result = attacked(worker, counted)
    assert result.has_clip, result.error


def test_allocating_without_end(worker):
    error = attacked(worker, "x = []\nloop { x << 'a' * 10_000_000; sleep 0.001 }").error
    assert error.kind == "memory"


def test_looping_without_sleeping(worker):
    error = attacked(worker, "play 60\nwhile true\nend").error
    assert (error.kind, error.line) == ("timeout", 2)


def test_taking_longer_than_the_clock_allows():
    slow = RenderWorker(RenderLimits(cpu_s=60, wall_s=1))
    error = attacked(slow, "play 60\nwhile true\nend").error
    slow.close()
    assert (error.kind, error.line) == ("timeout", 2) and "longer than 1 s" in error.message


def test_a_million_synths(worker):
    source = "live_loop :a do\n  20.times { play 60, sustain: 100 }\n  sleep 0.1\nend"
    error = attacked(worker, source, 18.0).error
    assert (error.kind, error.line) == ("too_many_synths", 2)


def test_signals_do_not_reach_the_host(worker, good):
    source = """
    %i[KILL STOP TERM INT HUP QUIT USR1].each { |signal| Process.kill(signal, Process.ppid) }
    play 60, release: 0.5
    """
    assert np.array_equal(attacked(worker, source, 1.0).clip.samples, good)


def test_killing_the_host_is_survived():
    # A crash that Ruby itself lets happen: the host ends, and is replaced.
    program = "Process.kill(:SEGV, Process.ppid); sleep 1; play 60"
    results = dict(render_many([GOOD, program, GOOD], 1.0, workers=1, limits=LIMITS))
    assert results[0].has_clip and results[2].has_clip
    assert results[1].error.kind == "crashed"
    assert np.array_equal(results[0].clip.samples, results[2].clip.samples)


@pytest.mark.parametrize(
    "attack",
    [
        "File.open('/proc/1/mem', 'r+b') { |memory| memory.seek(4096); memory.write('x') }",
        "raise File.binread('/proc/1/mem', 1, 4096)",
        "File.write('/proc/1/fd/1', 'forged')",
        "raise File.readlink('/proc/1/exe')",
        "raise File.read('/proc/1/environ')",
        "syscall(101, 16, 1, 0, 0)",  # ptrace, PTRACE_ATTACH
    ],
)
def test_cannot_open_or_trace_the_host(worker, attack):
    error = attacked(worker, f"play 60\n{attack}").error
    assert (error.kind, error.line) == ("runtime", 2)
    assert "EACCES" in error.message or "EPERM" in error.message, error


def test_holds_neither_requests_nor_answers(worker):
    source = """
    pipes = (0..50).select { |n| File.pipe?("/proc/self/fd/#{n}") }
    raise pipes.inspect if pipes.size > 1 # its own result's; Ruby's own are no pipes but eventfds
    play 60
    """
    assert attacked(worker, source).has_clip


def test_printing_without_end(worker):
    error = attacked(worker, "while true\n  puts 'x' * 1000; $stdout.puts 'y' * 1000\nend").error
    assert error.kind in ("timeout", "memory", "no_sleep")


def test_patching_the_host_is_forgotten(worker):
    patch = """
    class VirtualTime::Timer; def time; 0; end; end
    module VirtualTime; def self.time; raise 'patched'; end; end
    class Score; def to_binary(*) ; 'x' * 100; end; end
    class String; def +(other); 'patched'; end; end
    """
    result = attacked(worker, patch + "\nplay 60")
    assert result.error is not None


def test_a_score_that_writes_files_writes_none(worker, tmp_path: Path):
    target = tmp_path / "score.wav"
    source = f"""
    LINK.score.add(VirtualTime.now, '/b_alloc', [9, 44100, 1])
    LINK.score.add(VirtualTime.now, '/b_write', [9, {str(target)!r}, 'wav', 'int16', -1, 0, 0])
    LINK.score.add(VirtualTime.now, '/b_write', [9, '/usr/share/score.wav', 'wav', 'int16', -1, 0, 0])
    play 60
    """
    assert attacked(worker, source).has_clip
    assert not target.exists() and not Path("/usr/share/score.wav").exists()


@pytest.mark.parametrize(
    "commands",
    [
        "[['/d_load', ['/etc/passwd']], ['/d_loadDir', ['/']]]",
        "[['/d_recv', ['x' * 400]], ['/u_cmd', [1, 0, 'x', 9]], ['/cmd', ['x', '/tmp/x']]]",
        "[['/b_allocRead', [9, '/proc/1/environ']], ['/b_write', [9, '/dev/full', 'wav', 'int16', -1, 0, 1]]]",
        "[['/dumpOSC', [3]], ['/g_dumpTree', [0, 1]], ['/n_trace', [1]], ['/quit', []]]",
        "[['/b_alloc', [9, 1 << 30, 64]], ['/nonsense', [1]]]",
    ],
)
def test_no_command_to_the_server_does_harm(worker, commands):
    source = (
        f"{commands}.each {{ |what, args| LINK.score.add(VirtualTime.now, what, args) }}\nplay 60"
    )
    result = attacked(worker, source)
    assert result.has_clip or result.error.kind == "crashed", result.error


def test_a_score_that_writes_much_is_bounded(worker):
    source = """
    LINK.score.add(VirtualTime.now, '/b_alloc', [9, 44100 * 600, 2])
    200.times { |n| LINK.score.add(VirtualTime.now, '/b_write', [9, "/tmp/#{n}", 'wav', 'float', -1, 0, 0]) }
    play 60
    """
    result = attacked(worker, source)
    assert result.has_clip or result.error.kind == "crashed", result.error
    left = attacked(worker, "raise Dir.children('/tmp').inspect").error
    assert ".wav" not in left.message and '"0"' not in left.message


def test_a_link_in_the_sample_folder_leads_nowhere(tmp_path: Path, good):
    secret = tmp_path / "secret.wav"
    render("synth :saw", 1.0).save(secret)
    pack = tmp_path / "pack"
    pack.mkdir()
    (pack / "link.wav").symlink_to(secret)
    (pack / "out").symlink_to(tmp_path)
    one = RenderWorker(LIMITS, (pack,))
    assert one.render(f"sample '{pack}/link.wav'", 1.0).error.kind == "silent"
    assert one.render(f"sample '{pack}/out/secret.wav'", 1.0).error.kind == "silent"
    error = one.render(f"File.write('{pack}/new', 'x')", 1.0).error
    assert "EROFS" in error.message and not (pack / "new").exists()
    assert np.array_equal(one.render(GOOD, 1.0).clip.samples, good)
    one.close()


@pytest.mark.parametrize("path", ["../../../etc/passwd", "/etc/shadow", "../../../../root"])
def test_a_sample_path_that_climbs_finds_nothing(worker, path):
    result = attacked(worker, f"sample '/usr/share/sonic-pi/samples/{path}'\nplay 60")
    assert not result.has_clip or any(w.kind == "missing_sample" for w in result.warnings)


def test_endless_virtual_time_without_progress(worker):
    error = attacked(worker, "play 60\nwhile true\n  sleep 0\nend").error
    assert error.kind in ("timeout", "runtime")


def test_deep_recursion(worker):
    error = attacked(worker, "define :f do\n  f\nend\nf").error
    assert error.kind == "runtime" and "SystemStackError" in error.message


def test_waiting_for_input_ends(worker):
    assert attacked(worker, "x = $stdin.read\nplay 60").has_clip


def test_forged_answers_do_not_confuse_the_renderer(worker):
    forged = """
    ObjectSpace.each_object(IO) { |io| io.write('{"error":null}' * 10) rescue nil }
    play 60
    """
    result = attacked(worker, forged)
    assert result.has_clip or result.error.kind in ("crashed", "runtime", "silent")


def test_no_capability_no_device_no_other_process(worker):
    source = """
    caps = File.read('/proc/self/status')[/CapEff:\\s+(\\h+)/, 1]
    raise "caps #{caps}" unless caps.to_i(16).zero?
    devices = Dir.children('/dev') - %w[null zero full random urandom tty console shm pts ptmx fd stdin stdout stderr core]
    raise devices.inspect unless devices.empty?
    raise Process.uid.to_s + Dir.children('/').inspect if File.exist?('/sys')
    play 60
    """
    result = attacked(worker, source)
    assert result.has_clip, result.error


def test_where_bubblewrap_is_refused_rendering_refuses(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    from core.errors import EarshotError
    from core.sonicpi import sandbox

    refused = tmp_path / "bwrap"
    refused.write_text(
        "#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n"
    )
    refused.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    sandbox.check_sandbox.cache_clear()
    try:
        with pytest.raises(
            EarshotError, match="is refused here.*No permissions.*Allow unprivileged"
        ):
            sandbox.require_sandbox()
        monkeypatch.setenv("EARSHOT_NO_SANDBOX", "1")
        sandbox.require_sandbox()  # waived
    finally:
        sandbox.check_sandbox.cache_clear()


def test_without_a_sandbox_rendering_refuses(monkeypatch: pytest.MonkeyPatch):
    from core.errors import EarshotError
    from core.sonicpi import sandbox

    monkeypatch.setenv("PATH", str(Path(os.devnull).parent))
    sandbox.check_sandbox.cache_clear()
    try:
        with pytest.raises(EarshotError, match="bubblewrap is not installed.*EARSHOT_NO_SANDBOX"):
            sandbox.require_sandbox()
    finally:
        sandbox.check_sandbox.cache_clear()
