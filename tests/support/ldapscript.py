"""A loopback LDAP server that answers each bind, and StartTLS, with whatever bytes a test gives."""

import contextlib
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from recon.lab import ber
from tests.support import berwriter as write

BIND, EXTENDED, UNBIND = 0x60, 0x77, 0x42
Answer = Callable[[int, socket.socket], bytes | None]  # of the message's number; None closes the connection


def result(
    code: int, text: bytes = b"", *behind: bytes, tag: int = 0x61, shift: int = 0
) -> Callable[[int, socket.socket], bytes]:
    """An answer with this result; `behind` stands in the operation, `shift` is added to the message's number."""
    operation = write.element(tag, write.number(code, 0x0A), write.element(4, b""), write.element(4, text), *behind)
    return lambda number, _: write.message(number + shift, operation)


class LdapScript:
    """Gives `answers` in turn, the last one again and again; `seen`: tags of the requests that came."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._opened: list[socket.socket] = []
        self.seen: list[int] = []
        self.url = f"ldap://127.0.0.1:{self._socket.getsockname()[1]}"

    @property
    def binds(self) -> int:
        """How many binds have come."""
        return self.seen.count(BIND)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                opened, _ = self._socket.accept()
                self._opened.append(opened)
                threading.Thread(target=self._serve, args=(opened,), daemon=True).start()

    def _serve(self, opened: socket.socket) -> None:
        buffer = bytearray()
        with contextlib.suppress(OSError, ber.BerError), opened:  # BerError: TLS behind StartTLS
            while chunk := opened.recv(65536):
                buffer += chunk
                while (size := ber.message_size(buffer, 1 << 20)) is not None and len(buffer) >= size:
                    message = ber.Reader(bytes(buffer[:size])).inside(0x30)
                    del buffer[:size]
                    number, tag = message.integer(), message.next_tag()
                    if tag == UNBIND:
                        return
                    self.seen.append(tag)
                    answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
                    data = answer(number, opened)
                    if data is None:
                        return
                    opened.sendall(data)

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each in (self._socket, *self._opened):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
