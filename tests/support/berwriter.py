"""Search answers as bytes, with lengths written in any of the ways BER allows: for readers under test."""

from collections.abc import Callable, Iterable

Length = Callable[[int], bytes]


def shortest(size: int) -> bytes:
    """The fewest octets."""
    if size < 0x80:
        return bytes((size,))
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((0x80 | len(octets),)) + octets


def of_octets(count: int) -> Length:
    """The long form with so many octets, needed or not: 4 is what Active Directory writes."""
    return lambda size: bytes((0x80 | count,)) + size.to_bytes(count, "big")


def element(tag: int, *parts: bytes, length: Length = shortest) -> bytes:
    content = b"".join(parts)
    return bytes((tag,)) + length(len(content)) + content


def number(value: int, tag: int = 0x02) -> bytes:
    return element(tag, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def attribute(name: bytes, values: Iterable[bytes], length: Length = shortest) -> bytes:
    inside = element(0x31, *(element(0x04, value, length=length) for value in values), length=length)
    return element(0x30, element(0x04, name, length=length), inside, length=length)


def message(identity: int, operation: bytes, *behind: bytes, length: Length = shortest) -> bytes:
    return element(0x30, number(identity), operation, *behind, length=length)


def entry(
    dn: bytes, attributes: Iterable[tuple[bytes, list[bytes]]], identity: int = 7, length: Length = shortest
) -> bytes:
    inside = element(0x30, *(attribute(name, values, length) for name, values in attributes), length=length)
    operation = element(0x64, element(0x04, dn, length=length), inside, length=length)
    return message(identity, operation, length=length)


def paging(cookie: bytes, size: int = 0) -> bytes:
    value = element(0x30, number(size), element(0x04, cookie))
    return element(0xA0, element(0x30, element(0x04, b"1.2.840.113556.1.4.319"), element(0x04, value)))


def done(code: int = 0, text: bytes = b"", *behind: bytes, identity: int = 7, length: Length = shortest) -> bytes:
    operation = element(0x65, number(code, 0x0A), element(0x04, b""), element(0x04, text, length=length), length=length)
    return message(identity, operation, *behind, length=length)


def disconnection(code: int = 52, text: bytes = b"going down", name: bytes = b"1.3.6.1.4.1.1466.20036") -> bytes:
    parts = (number(code, 0x0A), element(0x04, b""), element(0x04, text), element(0x8A, name))
    return message(0, element(0x78, *parts))
