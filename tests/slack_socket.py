"""The websocket of Socket Mode from Slack's side: handshake, envelopes, acknowledgements (RFC 6455, text frames)."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler
from typing import Any

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
ANSWER_S = 10.0  # seconds for an acknowledgement until it counts as missing


class Socket:
    """One connected client. `deliver` sends an envelope and waits for its acknowledgement."""

    def __init__(self, handler: BaseHTTPRequestHandler) -> None:
        self.handler = handler
        self.acknowledged: dict[str, Any] = {}
        self._news = threading.Condition()
        self._writing = threading.Lock()
        self.open = True

    def serve(self) -> None:
        """Shake hands, greet, and read until the client goes away."""
        key = self.handler.headers["Sec-WebSocket-Key"].encode()
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()  # noqa: S324 - as the protocol wants
        head = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
        self.handler.wfile.write("\r\n".join([*head, f"Sec-WebSocket-Accept: {accept}", "", ""]).encode())
        self.send({"type": "hello", "num_connections": 1})
        try:
            while self._read():
                pass
        except OSError:
            pass
        finally:
            with self._news:
                self.open = False
                self._news.notify_all()

    def deliver(self, envelope: dict[str, Any]) -> Any:
        """The payload of the acknowledgement, `None` for an empty one. Raises TimeoutError where none came."""
        self.send(envelope)
        name = envelope["envelope_id"]
        with self._news:
            self._news.wait_for(lambda: name in self.acknowledged or not self.open, ANSWER_S)
            if name not in self.acknowledged:
                raise TimeoutError(f"{name} was not acknowledged")
            return self.acknowledged[name]

    def send(self, message: dict[str, Any]) -> None:
        self._frame(TEXT, json.dumps(message).encode())

    def drop(self) -> None:
        """Cut the line, as a proxy or a deploy at Slack does."""
        self.open = False
        self.handler.connection.shutdown(socket.SHUT_RDWR)

    def _read(self) -> bool:
        first, second = self._exactly(2)
        length = second & 0x7F
        if length == 126:
            length = struct.unpack(">H", self._exactly(2))[0]
        elif length == 127:
            length = struct.unpack(">Q", self._exactly(8))[0]
        mask = self._exactly(4) if second & 0x80 else bytes(4)
        data = bytes(byte ^ mask[at % 4] for at, byte in enumerate(self._exactly(length)))
        match first & 0x0F:
            case 8:
                return False
            case 9:
                self._frame(PONG, data)
            case 1:
                self._acknowledge(json.loads(data))
        return True

    def _acknowledge(self, said: dict[str, Any]) -> None:
        with self._news:
            self.acknowledged[said["envelope_id"]] = said.get("payload")
            self._news.notify_all()

    def _frame(self, opcode: int, data: bytes) -> None:
        size = len(data)
        head = bytes([0x80 | opcode])
        if size < 126:
            head += bytes([size])
        else:
            head += bytes([126]) + struct.pack(">H", size) if size < 65536 else bytes([127]) + struct.pack(">Q", size)
        with self._writing:
            self.handler.connection.sendall(head + data)

    def _exactly(self, size: int) -> bytes:
        data = self.handler.rfile.read(size)
        if len(data) < size:
            raise ConnectionError("the client went away")
        return data
