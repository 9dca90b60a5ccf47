"""What is granted to connections that have not shown the token: little, so that the daemon stays
usable for its owner whoever else on this machine connects to it, and however much they send."""

from __future__ import annotations

import hmac
from collections import OrderedDict
from typing import Any

from tornado.http1connection import HTTP1Connection
from tornado.http1connection import HTTP1ServerConnection as Peer
from tornado.httputil import HTTPHeaders, HTTPMessageDelegate, RequestStartLine, ResponseStartLine

from cco.daemon.connections import BoundedServer

MAX_STRANGERS = 512
MAX_STRANGERS_BODY_BYTES = 16 * 1024
"""Tornado reads a body before anybody looks at the token: that of a stranger must be small."""


class Server(BoundedServer):
    """Serves strangers in limited number, the newest: the oldest makes room.

    A connection stops being a stranger's with the first request that has the token, and that is
    looked at as soon as the request's head is there. Until then, a moment, a connection of the
    owner's is newer than those that make room: at most 128 come in at once.
    """

    def initialize(self, *arguments: Any, token: str, **options: Any) -> None:  # type: ignore[override]
        super().initialize(*arguments, **options)
        self._authorization = f"Bearer {token}".encode()
        self._strangers: OrderedDict[Peer, None] = OrderedDict()
        self._friends: set[Peer] = set()

    def start_request(self, server_conn: object, request_conn: Any) -> HTTPMessageDelegate:
        assert isinstance(server_conn, Peer)
        known = server_conn in self._friends or server_conn in self._strangers
        if not known and not server_conn.stream.closed():  # of one that was, requests may be left
            self._strangers[server_conn] = None
            if len(self._strangers) > MAX_STRANGERS:
                oldest, _ = self._strangers.popitem(last=False)
                oldest.stream.close()
        delegate = super().start_request(server_conn, request_conn)
        return _Doorkeeper(self, delegate, server_conn, request_conn)

    def on_close(self, server_conn: object) -> None:
        assert isinstance(server_conn, Peer)
        super().on_close(server_conn)
        self._strangers.pop(server_conn, None)
        self._friends.discard(server_conn)

    def look_at(
        self,
        headers: HTTPHeaders,
        server_conn: Peer,
        request_conn: HTTP1Connection,
    ) -> None:
        """Take a connection for a friend's, or let this request have a small body only."""
        given = headers.get("Authorization", "").encode()
        if hmac.compare_digest(given, self._authorization):
            self._strangers.pop(server_conn, None)
            self._friends.add(server_conn)
        else:
            request_conn.set_max_body_size(MAX_STRANGERS_BODY_BYTES)


class _Doorkeeper(HTTPMessageDelegate):
    """Has the server look at a request's head before its body is read."""

    def __init__(
        self,
        server: Server,
        delegate: HTTPMessageDelegate,
        server_conn: Peer,
        request_conn: HTTP1Connection,
    ) -> None:
        self._server = server
        self._connections = (server_conn, request_conn)
        self.finish = delegate.finish  # type: ignore[method-assign]
        self.data_received = delegate.data_received  # type: ignore[method-assign]
        self.on_connection_close = delegate.on_connection_close  # type: ignore[method-assign]
        self._headers_received = delegate.headers_received

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Any:
        self._server.look_at(headers, *self._connections)
        return self._headers_received(start_line, headers)
