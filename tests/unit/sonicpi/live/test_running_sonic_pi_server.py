"""Finding the server of a running Sonic Pi from command lines and logs."""

import pytest

from core.errors import EarshotError
from core.sonicpi.live import running_sonic_pi_server
from core.sonicpi.live.running_sonic_pi_server import RunningServer

SPIDER = ["/opt/native/ruby/bin/ruby", "--enable-frozen-string-literal", "-E", "utf-8"]
SPIDER += ["/opt/server/ruby/bin/spider-server.rb"]
PORTS = ["30130", "30131", "30132", "30132", "4560", "30134", "30135"]


@pytest.mark.parametrize(
    ("words", "server"),
    [
        (["ruby", "/usr/lib/sonic-pi-server.rb"], RunningServer("3.2", 4557)),
        (["ruby", "/a/sonic-pi-server.rb", "-u", "51235", "51236"], RunningServer("3.2", 51235)),
        (["ruby3.1", "-E", "utf-8", "sonic-pi-server.rb", "4600"], RunningServer("3.2", 4600)),
        ([*SPIDER, "-u", *PORTS, "-123456"], RunningServer("4", 30130, -123456)),
        ([*SPIDER, "-u", *PORTS[:4], "99"], RunningServer("4", 30130, 99)),
        (["vim", "sonic-pi-server.rb"], None),
        (["ruby", "daemon.rb"], None),
        ([""], None),
        ([], None),
    ],
)
def test_a_command_line_is_parsed(words: list[str], server: RunningServer | None) -> None:
    assert running_sonic_pi_server.parse_sonic_pi_server_command_line(words) == server


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["ruby", "sonic-pi-server.rb", "-t", "4557"], "started with -t"),
        (["ruby", "sonic-pi-server.rb", "-u", "port"], "could not be read"),
        (["ruby", "sonic-pi-server.rb", "-u", "70000"], "could not be read"),
        ([*SPIDER, "-u"], "could not be read"),
        ([*SPIDER, "-u", *PORTS, "secret"], "could not be read"),
    ],
)
def test_a_command_line_that_is_not_understood_is_an_error(words: list[str], message: str) -> None:
    with pytest.raises(EarshotError, match=message):
        running_sonic_pi_server.parse_sonic_pi_server_command_line(words)


def test_the_newest_start_in_a_log_counts() -> None:
    log = "Ports: {server_port: 30130, gui_port: 1}\nToken: 7\nbooting\n"
    log += "Ports: {:server_port=>31000, :gui_port=>1}\nToken: -8\n"
    assert running_sonic_pi_server.parse_spider_log(log) == RunningServer("4", 31000, -8)
    log = "Listen port: 4557\n  - OK\nListen port: 4657\n"
    assert running_sonic_pi_server.parse_server_output_log(log) == RunningServer("3.2", 4657)
    # Sonic Pi 4.6 writes neither.
    assert running_sonic_pi_server.parse_spider_log("Using primary protocol: udp\n") is None


def test_only_the_tested_generation_is_described_as_tried() -> None:
    assert RunningServer("3.2", 4557).format_name_with_warning() == "Sonic Pi 3.2"
    assert "untried" in RunningServer("4", 30130, 1).format_name_with_warning()
