"""A MariaDB or PostgreSQL of a test's own: in a folder of its own, on loopback, on a free port.

Nothing of the machine's own servers is read or touched. The server ends with the process that
started it, however that ends.
"""

from __future__ import annotations

import abc
import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

START_SECONDS = 60.0
# The owner of the databases, and somebody without rights.
OWNER, GUEST = "anna", "guest"
PASSWORDS = {OWNER: "hunter2-Uj9xQ4", GUEST: "swordfish-8Lk2Wd"}
DATABASES = ("mlmd", "raced", "shared", "cut", "empty")


class DatabaseServer(abc.ABC):
    """A database server.

    Attributes:
        data_dir: All that it keeps.
        port: Where it listens on loopback.
    """

    kind: ClassVar[str]
    scheme: ClassVar[str]
    package: ClassVar[str]
    crash_signal: ClassVar[signal.Signals]

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.data_dir = folder / "data"
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    @abc.abstractmethod
    def program(cls) -> str | None:
        """The server's program, if it is installed."""

    @abc.abstractmethod
    def create(self) -> None:
        """Makes the data folder with the users and databases."""

    @abc.abstractmethod
    def command(self) -> list[str]:
        """What starts the server."""

    @abc.abstractmethod
    def is_ready(self) -> bool:
        """Whether it takes users in."""

    def uri(self, database: str, user: str = OWNER, port: int | None = None) -> str:
        """The metadata URI of one of its databases."""
        return f"{self.scheme}://{user}@127.0.0.1:{port or self.port}/{database}"

    def start(self) -> None:
        """Starts it and waits until it is ready."""
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*as_user(self._owner()), *self.command()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.kind} does not start:\n{self.log()}")
            time.sleep(0.05)

    def crash(self) -> None:
        """Ends it as a power cut would: open connections break, nothing is put in order."""
        self._end(self.crash_signal)

    def stop(self) -> None:
        """Ends it for good."""
        if self._process is not None and self._process.poll() is None:
            self._end(self.crash_signal)

    def log(self) -> str:
        """The end of what it wrote."""
        return (self._folder / "server.log").read_text(errors="replace")[-3000:]

    def _end(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(timeout=30)

    def _owner(self) -> str:
        return pwd.getpwuid(self._folder.stat().st_uid).pw_name


class MariaDB(DatabaseServer):
    """A MariaDB; of Debian's packages it needs `mariadb-server-core` alone."""

    kind, scheme, package = "MariaDB", "mysql", "mariadb-server-core"
    crash_signal = signal.SIGKILL

    @classmethod
    def program(cls) -> str | None:
        return shutil.which("mariadbd", path=f"{os.environ['PATH']}:/usr/sbin")

    def create(self) -> None:
        shared = next(
            path
            for path in (Path("/usr/share/mysql"), Path("/usr/share/mariadb"))
            if (path / "mysql_system_tables.sql").is_file()
        )
        statements = ["CREATE DATABASE mysql;", "USE mysql;"]
        for name in ("system_tables", "performance_tables", "system_tables_data"):
            statements.append((shared / f"mysql_{name}.sql").read_text())
        statements.append("FLUSH PRIVILEGES;")
        statements += [
            f"CREATE USER '{user}'@'%' IDENTIFIED BY '{password}';"
            for user, password in PASSWORDS.items()
        ]
        for name in DATABASES:
            statements += [f"CREATE DATABASE {name};", f"GRANT ALL ON {name}.* TO '{OWNER}'@'%';"]
        self.data_dir.mkdir()
        _run([*self._program(), "--bootstrap"], "\n".join(statements) + "\n")

    def command(self) -> list[str]:
        return [*self._program(), f"--port={self.port}", "--bind-address=127.0.0.1"]

    def is_ready(self) -> bool:
        with contextlib.suppress(OSError), connection(self.port) as stream:
            # A greeting; an error message has 0xff in that place.
            return stream.recv(5)[4:] == b"\x0a"
        return False

    def _program(self) -> list[str]:
        return [
            str(self.program()),
            "--no-defaults",
            f"--user={self._owner()}",
            f"--datadir={self.data_dir}",
            f"--socket={self._folder / 'socket'}",
            f"--pid-file={self._folder / 'pid'}",
            # Only what survives a crash of the machine is saved by waiting for the disk.
            "--innodb-flush-method=nosync",
            "--innodb-flush-log-at-trx-commit=2",
            "--sync-frm=0",
            "--skip-log-bin",
        ]


class PostgreSQL(DatabaseServer):
    """A PostgreSQL."""

    kind, scheme, package = "PostgreSQL", "postgresql", "postgresql"
    # SIGKILL would leave its children behind, with the memory that they share.
    crash_signal = signal.SIGQUIT

    @classmethod
    def program(cls) -> str | None:
        # Debian has it outside of PATH, and every version beside the others.
        folders = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)
        return shutil.which("postgres", path=os.pathsep.join((*folders, os.environ["PATH"])))

    def create(self) -> None:
        user = as_user(self._owner())
        initialize = str(Path(str(self.program())).resolve().with_name("initdb"))
        options = ["--no-sync", "--auth=scram-sha-256", "--username=owner", "--encoding=UTF8"]
        password_file = self._folder / "password"
        password_file.write_text("of nobody's business\n")
        password_file.chmod(0o644)
        options.append(f"--pwfile={password_file}")
        _run([*user, initialize, "-D", str(self.data_dir), *options], "")
        statements = [
            f"CREATE ROLE {name} LOGIN PASSWORD '{password}';"
            for name, password in PASSWORDS.items()
        ]
        statements += [f"CREATE DATABASE {name} OWNER {OWNER};" for name in DATABASES]
        single = [str(self.program()), "--single", "-F", "-D", str(self.data_dir), "postgres"]
        _run([*user, *single], "\n".join(statements) + "\n")

    def command(self) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "fsync": "off",
            "log_statement": "none",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [str(self.program()), "-D", str(self.data_dir), *options]

    def is_ready(self) -> bool:
        wanted = b"user\0owner\0database\0postgres\0\0"
        message = (196608).to_bytes(4, "big") + wanted
        with contextlib.suppress(OSError), connection(self.port) as stream:
            stream.sendall((len(message) + 4).to_bytes(4, "big") + message)
            return stream.recv(1) == b"R"
        return False


SERVERS: Mapping[str, type[DatabaseServer]] = {"mariadb": MariaDB, "postgresql": PostgreSQL}


@contextlib.contextmanager
def running(server_type: type[DatabaseServer]) -> Iterator[DatabaseServer]:
    """A server with the users and databases above, removed afterwards with all that it kept."""
    # Not below pytest's own folder, which other users may not enter.
    folder = Path(tempfile.mkdtemp(prefix="papergarden-database-"))
    try:
        if server_type is PostgreSQL and os.geteuid() == 0:
            # It refuses to run as root.
            shutil.chown(folder, *_unprivileged())
        server = server_type(folder)
        server.create()
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        return int(reserved.getsockname()[1])


def connection(port: int) -> socket.socket:
    """A connection to a port of loopback."""
    return socket.create_connection(("127.0.0.1", port), timeout=5)


def as_user(name: str) -> list[str]:
    """What has a command run as that user, and end with this process."""
    words = ["setpriv", "--pdeathsig=KILL" if name == "root" else "--pdeathsig=QUIT"]
    if name != pwd.getpwuid(os.geteuid()).pw_name:
        words += [f"--reuid={name}", f"--regid={pwd.getpwnam(name).pw_gid}", "--clear-groups"]
    return words


def _unprivileged() -> tuple[str, int]:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return name, pwd.getpwnam(name).pw_gid
    raise RuntimeError("this machine has no user that PostgreSQL could run as")


def _run(command: list[str], statements: str) -> None:
    done = subprocess.run(
        command, input=statements, capture_output=True, text=True, timeout=120, check=False
    )
    if done.returncode or "ERROR" in done.stderr:
        raise RuntimeError(f"{command[:3]} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
