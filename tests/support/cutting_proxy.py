"""A proxy in front of a server that cuts connections when it is told to."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections.abc import Mapping
from typing import Literal

Loses = Literal["request", "answer"]


class CuttingProxy:
    """Hands bytes on between clients and a server on loopback, and cuts at chosen requests.

    Args:
        target_port: The server's port.
        cuts: Which of the requests, counted over all connections from 0, meet a cut, and whether
            it is the request that the server never gets, or its answer that never arrives.

    Attributes:
        port: Where clients connect.
        requests: Requests so far.
        cut: Those that met a cut.
    """

    def __init__(self, target_port: int, cuts: Mapping[int, Loses]) -> None:
        self._target_port = target_port
        self._cuts = cuts
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._selector = selectors.DefaultSelector()
        self._closing, self._close = socket.socketpair()
        self._clients: dict[socket.socket, socket.socket] = {}
        self._servers: dict[socket.socket, socket.socket] = {}
        # Those whose next answer is thrown away.
        self._doomed: set[socket.socket] = set()
        self.port = int(self._listener.getsockname()[1])
        self.requests = 0
        self.cut: list[int] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> CuttingProxy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._close.close()
        self._thread.join()

    def _serve(self) -> None:
        for waited_for in (self._listener, self._closing):
            self._selector.register(waited_for, selectors.EVENT_READ)
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._closing:
                    for client in list(self._clients):
                        self._end(client)
                    self._listener.close()
                    self._closing.close()
                    return
                if key.fileobj is self._listener:
                    self._accept()
                elif key.fileobj in self._clients:
                    self._hand_on_request(key.fileobj)
                elif key.fileobj in self._servers:
                    self._hand_on_answer(key.fileobj)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        try:
            server = socket.create_connection(("127.0.0.1", self._target_port))
        except OSError:
            client.close()
            return
        self._clients[client], self._servers[server] = server, client
        for one in (client, server):
            self._selector.register(one, selectors.EVENT_READ)

    def _hand_on_request(self, client: socket.socket) -> None:
        data = _received(client)
        if not data:
            self._end(client)
            return
        number = self.requests
        self.requests += 1
        if number in self._cuts:
            self.cut.append(number)
            if self._cuts[number] == "request":
                self._end(client)
                return
            self._doomed.add(client)
        with contextlib.suppress(OSError):
            self._clients[client].sendall(data)

    def _hand_on_answer(self, server: socket.socket) -> None:
        client = self._servers[server]
        data = _received(server)
        if not data or client in self._doomed:
            self._end(client)
            return
        with contextlib.suppress(OSError):
            client.sendall(data)

    def _end(self, client: socket.socket) -> None:
        server = self._clients.pop(client)
        del self._servers[server]
        self._doomed.discard(client)
        for one in (client, server):
            self._selector.unregister(one)
            one.close()


def _received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(1 << 16)
    except OSError:
        return b""
