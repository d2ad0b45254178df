"""Over a real SSH connection: train, lose the connection, come back."""

import fcntl
import getpass
import os
import re
import select
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from command_line import ROOT
from trainers import (
    ENDLESS,
    MAKEMORE,
    check_that_it_goes_on_as_if_undisturbed,
    lives,
    no_orphans,
    only_run,
    stored,
    until_step,
    words_file,
)
from viewers import PATIENCE, wait_until

from model.recipe import RECIPES
from model.session import Phase
from tui import settings

SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
SEPARATION = Path("/run/sshd")
pytestmark = pytest.mark.skipif(
    not (SSHD and shutil.which("ssh") and shutil.which("ssh-keygen")),
    reason="needs OpenSSH's sshd, ssh and ssh-keygen",
)


class Client:
    """An ssh client in a terminal of its own, and what has been written there."""

    def __init__(self, options: list[str], *command: str) -> None:
        self.keys, screen = os.openpty()
        fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        remote = f"cd {shlex.quote(str(ROOT))} && echo process $$ && exec {shlex.join(command)}"
        self.process = subprocess.Popen(
            ["ssh", "-tt", *options, remote],
            stdin=screen, stdout=screen, stderr=screen, start_new_session=True,
        )  # fmt: skip
        os.close(screen)
        self.said = ""

    def type(self, line: str) -> None:
        os.write(self.keys, f"{line}\n".encode())

    def until(self, pattern: str) -> re.Match[str]:
        end = time.monotonic() + PATIENCE
        while not (match := re.search(pattern, self.said)):
            ready, _, _ = select.select([self.keys], [], [], max(0, end - time.monotonic()))
            data = b""
            with suppress(OSError):
                data = os.read(self.keys, 65536) if ready else b""
            assert data, f"{pattern!r} never came:\n{self.said[-3000:]}"
            self.said += data.decode(errors="replace")
        return match

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.keys)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[list[str]]:
    """The options for a client of an SSH server of our own."""
    for name in ("host", "user"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)], check=True
        )
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {
        "ListenAddress": f"127.0.0.1:{port}",
        "HostKey": tmp_path / "host",
        "AuthorizedKeysFile": tmp_path / "user.pub",
        "PidFile": "none",
        "StrictModes": "no",
        "UsePAM": "no",
        "PasswordAuthentication": "no",
        "PermitRootLogin": "yes",
    }
    config = tmp_path / "sshd_config"
    config.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    if os.geteuid() == 0:
        SEPARATION.mkdir(mode=0o755, exist_ok=True)  # without which it does not start
    log = tmp_path / "sshd.log"
    with log.open("wb") as file:
        sshd = subprocess.Popen(
            [str(SSHD), "-D", "-e", "-f", str(config)], stderr=file, start_new_session=True
        )
    options = {
        "StrictHostKeyChecking": "no",
        "UserKnownHostsFile": "/dev/null",
        "IdentitiesOnly": "yes",
        "LogLevel": "ERROR",
    }
    pairs = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    user = f"{getpass.getuser()}@127.0.0.1"
    try:
        wait_until(lambda: "listening" in log.read_text() or sshd.poll() is not None)
        if sshd.poll() is not None:
            pytest.skip(f"no sshd can be started here: {log.read_text().strip()[-200:]}")
        yield ["-F", "none", "-i", str(tmp_path / "user"), "-p", str(port), *pairs, user]
    finally:
        os.killpg(sshd.pid, signal.SIGKILL)
        sshd.wait()


@contextmanager
def client(options: list[str], *command: str) -> Iterator[Client]:
    with closing(Client(options, *command)) as one:
        yield one


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    with no_orphans(tmp_path / "runs") as root:
        yield root


def train(root: Path, *options: str) -> list[str]:
    return [*MAKEMORE, "train", str(words_file(root)), "--runs", str(root), *options, *ENDLESS]


@pytest.mark.parametrize("stalled", [False, True], ids=["cut", "stalled, then cut"])
def test_a_lost_connection_leaves_a_checkpoint_and_no_process(
    stalled: bool, server: list[str], root: Path
):
    with client(server, *train(root)) as one:
        number = int(one.until(r"process (\d+)")[1])
        one.until("step 0: ")
        run = until_step(root)
        if stalled:
            one.process.send_signal(signal.SIGSTOP)
            until_step(root, run.status.step + 50_000)  # more lines than any buffer holds
        one.process.kill()
        wait_until(lambda: not lives(number), "the end of the trainer")
        assert not run.live
        assert run.status.phase is Phase.STOPPED
        check_that_it_goes_on_as_if_undisturbed(run, root)


def test_a_detached_run_outlives_the_connection_and_is_steered_over_another(
    server: list[str], root: Path
):
    with client(server, *train(root, "--detach")) as one:
        number = int(one.until(r"is trained by process (\d+)")[1])
        one.process.kill()
    run = only_run(root)
    assert run is not None
    until_step(root, run.status.step + 1)
    with client(server, *MAKEMORE, "attach", "--runs", str(root)) as two:
        two.until(rf"{run.name}, process {number}: ")
        two.until(r"loss: \d\.\d+ [▁▂▃▄▅▆▇█]+ \d\.\d+")
        two.type("pause")
        two.until(r"paused at step [\d,]+")
        two.type("lr 0.125")
        two.until(r"on: lr 0\.125")
        two.type("samples 1")
        two.process.kill()
    assert run.live
    with client(server, *MAKEMORE, "attach", "--runs", str(root)) as three:
        three.until(r"paused at step [\d,]+")
        three.type("stop")
        three.until(r"stopped at step [\d,]+")
        assert three.process.wait(PATIENCE) == 0
    wait_until(lambda: not lives(number), "the end of the trainer")
    assert stored(run)["phase"] == "stopped"


@pytest.mark.parametrize("stalled", [False, True], ids=["cut", "stalled, then cut"])
def test_the_app_ends_with_its_connection(stalled: bool, server: list[str], tmp_path: Path):
    data = {f"XDG_{kind}_HOME": tmp_path / kind.lower() for kind in ("CACHE", "CONFIG", "DATA")}
    environment = [f"{name}={path}" for name, path in data.items()]
    words = str(words_file(tmp_path / "runs"))
    settings.save(settings.Settings(recipe=RECIPES["converge"].with_(steps=1_000_000)))
    command = ["env", *environment, "TERM=xterm-256color", sys.executable, "-m", "tui", words]
    with client(server, *command) as one:
        number = int(one.until(r"process (\d+)")[1])
        one.until(r"floor")
        os.write(one.keys, b"f ")
        one.until("running")
        if stalled:
            one.process.send_signal(signal.SIGSTOP)
        one.process.kill()
        wait_until(lambda: not lives(number), "the end of the app")
