"""A small invented domain for the AD server's tests, and a client that speaks in bytes."""

import socket
import uuid
from collections.abc import Iterator

from recon.lab import ber
from recon.lab.adserver import Account, Directory

BASE = "DC=contoso,DC=example"
CONFIGURATION = f"CN=Configuration,{BASE}"
READER = "CN=Reader,OU=Service,DC=contoso,DC=example"
PASSWORD = "correct horse"
DOMAIN_SID = bytes.fromhex("010500000000000515000000d1d64379336f47eb77d1d6b3")

Entry = tuple[str, dict[str, list[bytes]]]


def sid(rid: int) -> bytes:
    return DOMAIN_SID + rid.to_bytes(4, "little")


def guid(number: int) -> bytes:
    return uuid.UUID(int=number).bytes_le


def user(number: int, cn: str | None = None, ou: str = "OU=Staff", **more: list[bytes]) -> Entry:
    """A user as AD stores one; keyword values replace or add attributes, an empty list leaves one out."""
    cn = cn or f"Person {number:04d}"
    attributes = {
        "objectClass": [b"top", b"person", b"organizationalPerson", b"user"],
        "cn": [cn.encode()],
        "sAMAccountName": [f"person{number}".encode()],
        "userPrincipalName": [f"person{number}@contoso.example".encode()],
        "objectGUID": [guid(number)],
        "objectSid": [sid(number)],
        "objectCategory": [b"CN=Person,CN=Schema,CN=Configuration,DC=contoso,DC=example"],
        "sAMAccountType": [b"805306368"],
        "userAccountControl": [b"512"],
        "whenChanged": [b"20240102030405.0Z"],
        "uSNChanged": [str(1000 + number).encode()],
    }
    attributes.update(more)
    return f"CN={cn},{ou},{BASE}", {name: values for name, values in attributes.items() if values}


def group(number: int, cn: str, members: list[bytes], group_type: bytes = b"-2147483646") -> Entry:
    attributes = {
        "objectClass": [b"top", b"group"],
        "cn": [cn.encode()],
        "sAMAccountName": [cn.encode()],
        "objectGUID": [guid(number)],
        "objectSid": [sid(number)],
        "objectCategory": [b"CN=Group,CN=Schema,CN=Configuration,DC=contoso,DC=example"],
        "sAMAccountType": [b"268435456"],
        "groupType": [group_type],
    }
    if members:
        attributes["member"] = members
    return f"CN={cn},OU=Groups,{BASE}", attributes


def reader_entry() -> Entry:
    return user(
        9000,
        "Reader",
        "OU=Service",
        sAMAccountName=[b"Reader"],
        userPrincipalName=[b"directory.reader@corp.example"],
    )


def people(count: int) -> Iterator[Entry]:
    for number in range(1, count + 1):
        yield user(number)


def directory(*entries: Entry, accounts: dict[str, Account] | None = None, **options: object) -> Directory:
    """A domain with the reader's account and the given entries."""
    return Directory(
        BASE,
        [reader_entry(), *entries],
        accounts={"Reader": Account(PASSWORD)} | (accounts or {}),
        netbios_name="CONTOSO",
        **options,  # type: ignore[arg-type]
    )


class WireClient:
    """Sends bytes and reads whole messages: for what proper clients would never send."""

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._buffer = bytearray()

    def __enter__(self) -> "WireClient":
        return self

    def __exit__(self, *error: object) -> None:
        self.sock.close()

    def send(self, message_id: int, operation: bytes, controls: bytes = b"") -> None:
        self.sock.sendall(ber.value(ber.SEQUENCE, ber.integer(message_id), operation, controls))

    def message(self) -> bytes | None:
        """The next message; None when the server has closed the connection (in mid-message too)."""
        while True:
            size = ber.message_size(self._buffer, 1 << 30)
            if size is not None and size <= len(self._buffer):
                message = bytes(self._buffer[:size])
                del self._buffer[:size]
                return message
            try:
                data = self.sock.recv(1 << 16)
            except ConnectionResetError:
                return None
            if not data:
                return None
            self._buffer += data

    def result(self) -> tuple[int, int, str, str]:
        """Tag, result code, matchedDN and text of the next message."""
        message = self.message()
        assert message is not None
        return read_result(message)

    def bind(self, name: str = READER, password: str = PASSWORD) -> int:
        self.send(1, ber.value(0x60, ber.integer(3), ber.text(name), ber.text(password, 0x80)))
        return self.result()[1]


def read_result_tag(message: bytes | None) -> int:
    """The operation's tag."""
    assert message is not None
    reader = ber.Reader(message).inside(ber.SEQUENCE)
    reader.integer()
    return reader.next_tag()


def read_result(message: bytes) -> tuple[int, int, str, str]:
    reader = ber.Reader(message).inside(ber.SEQUENCE)
    reader.integer()
    tag = reader.next_tag()
    inside = reader.inside(tag)
    return tag, inside.integer(ber.ENUMERATED), inside.text(), inside.text()


def search_operation(
    base: str = BASE,
    *,
    scope: int = 2,
    node: bytes = ber.text("objectClass", 0x87),
    attributes: tuple[str, ...] = ("cn",),
    size_limit: int = 0,
    time_limit: int = 0,
) -> bytes:
    return ber.value(
        0x63,
        ber.text(base),
        ber.integer(scope, ber.ENUMERATED),
        ber.integer(0, ber.ENUMERATED),
        ber.integer(size_limit),
        ber.integer(time_limit),
        ber.octets(b"\0", ber.BOOLEAN),
        node,
        ber.value(ber.SEQUENCE, *map(ber.text, attributes)),
    )


def paged_control(size: int, cookie: bytes = b"") -> bytes:
    value = ber.value(ber.SEQUENCE, ber.integer(size), ber.octets(cookie))
    return ber.value(0xA0, ber.value(ber.SEQUENCE, ber.text("1.2.840.113556.1.4.319"), ber.octets(value)))
