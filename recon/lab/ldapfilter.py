"""Search filters (RFC 4511 4.5.1.7): read from a request, written as text for the log, compiled to a test.

A test answers True, False or None: Undefined, as AD does for attributes that it does not know or does not show.
Undefined selects nothing, and its negation is Undefined too.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol

from recon.lab.adschema import CONSTRUCTED_ATTRIBUTES, category_key, category_of_class, integer_key, key_of
from recon.lab.ber import BerError, Reader

BIT_AND = "1.2.840.113556.1.4.803"
BIT_OR = "1.2.840.113556.1.4.804"
_MAX_DEPTH = 100
_MEMO_ENTRIES = 1024  # distinct encodings per filter item whose answer is remembered
_MEMO_BYTES = 256

_AND, _OR, _NOT = 0xA0, 0xA1, 0xA2
_EQUALITY, _SUBSTRINGS, _GREATER, _LESS, _PRESENT, _APPROX, _EXTENSIBLE = 0xA3, 0xA4, 0xA5, 0xA6, 0x87, 0xA8, 0xA9


class FilterError(ValueError):
    """A filter that this server cannot evaluate although it could be read (an unknown matching rule)."""


@dataclass(frozen=True, slots=True)
class And:
    items: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Or:
    items: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Not:
    item: "Filter"


@dataclass(frozen=True, slots=True)
class Comparison:
    """`operator` is one of = >= <= ~=."""

    attribute: str
    operator: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Substrings:
    attribute: str
    initial: bytes
    middle: tuple[bytes, ...]
    final: bytes


@dataclass(frozen=True, slots=True)
class Present:
    attribute: str


@dataclass(frozen=True, slots=True)
class Extensible:
    attribute: str
    rule: str
    value: bytes
    has_dn_attributes: bool = False


Filter = And | Or | Not | Comparison | Substrings | Present | Extensible


class Entry(Protocol):
    """What a test needs of an entry: one attribute's encoding (b'' when absent) and its values."""

    def encoded(self, position: int) -> bytes: ...

    def values_at(self, position: int) -> Collection[bytes]: ...


Test = Callable[[Entry], bool | None]


def decode_filter(reader: Reader, depth: int = 0) -> Filter:
    """Read the filter that comes next. Raises BerError when it is malformed or nested deeper than 100."""
    if depth > _MAX_DEPTH:
        raise BerError(f"a filter nested deeper than {_MAX_DEPTH}")
    tag = reader.next_tag()
    if tag in (_AND, _OR):
        inside = reader.inside(tag)
        items = []
        while inside.has_more:
            items.append(decode_filter(inside, depth + 1))
        return And(tuple(items)) if tag == _AND else Or(tuple(items))
    if tag == _NOT:
        inside = reader.inside(tag)
        item = decode_filter(inside, depth + 1)
        inside.close()
        return Not(item)
    if tag == _PRESENT:
        return Present(reader.text(tag))
    if tag in _OPERATORS:
        inside = reader.inside(tag)
        comparison = Comparison(inside.text(), _OPERATORS[tag], inside.octets())
        inside.close()
        return comparison
    if tag == _SUBSTRINGS:
        return _decode_substrings(reader.inside(tag))
    if tag == _EXTENSIBLE:
        return _decode_extensible(reader.inside(tag))
    raise BerError(f"unknown filter item 0x{tag:02x}")


_OPERATORS = {_EQUALITY: "=", _GREATER: ">=", _LESS: "<=", _APPROX: "~="}


def _decode_substrings(inside: Reader) -> Substrings:
    attribute = inside.text()
    pieces = inside.inside(0x30)
    inside.close()
    initial = pieces.octets(0x80) if pieces.next_tag() == 0x80 else b""
    middle = []
    while pieces.has_more and pieces.next_tag() == 0x81:
        middle.append(pieces.octets(0x81))
    final = pieces.octets(0x82) if pieces.has_more else b""
    pieces.close()
    return Substrings(attribute, initial, tuple(middle), final)


def _decode_extensible(inside: Reader) -> Extensible:
    rule = attribute = ""
    if inside.next_tag() == 0x81:
        rule = inside.text(0x81)
    if inside.next_tag() == 0x82:
        attribute = inside.text(0x82)
    value = inside.octets(0x83)
    has_dn_attributes = inside.boolean(0x84) if inside.has_more else False
    inside.close()
    return Extensible(attribute, rule, value, has_dn_attributes)


def filter_text(node: Filter) -> str:
    """The filter as people write it (RFC 4515), values outside plain ASCII escaped."""
    match node:
        case And(items):
            return f"(&{''.join(map(filter_text, items))})"
        case Or(items):
            return f"(|{''.join(map(filter_text, items))})"
        case Not(item):
            return f"(!{filter_text(item)})"
        case Present(attribute):
            return f"({attribute}=*)"
        case Comparison(attribute, operator, value):
            return f"({attribute}{operator}{_escape(value)})"
        case Substrings(attribute, initial, middle, final):
            pieces = "*".join(_escape(piece) for piece in (initial, *middle, final))
            return f"({attribute}={pieces})"
        case Extensible(attribute, rule, value, has_dn_attributes):
            return f"({attribute}{':dn' if has_dn_attributes else ''}:{rule}:={_escape(value)})"


def _escape(data: bytes) -> str:
    return "".join(chr(octet) if 0x20 <= octet < 0x7F and octet not in b"()*\\" else f"\\{octet:02x}" for octet in data)


def compile_filter(node: Filter, positions: dict[str, int], hidden: Collection[str], known: Collection[str]) -> Test:
    """Build the test of one filter.

    `positions`: folded attribute name to its place in an entry; `hidden`: folded names the client may not read;
    `known`: folded names of the schema, which are False rather than Undefined where no entry has them.
    Raises FilterError for a matching rule that this server does not have.
    """

    def build(item: Filter) -> Test:
        match item:
            case And(items):
                return _all_of([build(one) for one in items])
            case Or(items):
                return _any_of([build(one) for one in items])
            case Not(inner):
                return _negation(build(inner))
        attribute = item.attribute.casefold()
        matches = _value_test(item, attribute)
        if attribute in hidden or attribute in CONSTRUCTED_ATTRIBUTES:
            return _undefined
        position = positions.get(attribute)
        if position is None:
            return _false if attribute in known else _undefined
        return _item(position, matches)

    return build(node)


def _undefined(entry: Entry) -> bool | None:
    return None


def _false(entry: Entry) -> bool | None:
    return False


def _all_of(tests: list[Test]) -> Test:
    def test(entry: Entry) -> bool | None:
        answer: bool | None = True
        for one in tests:
            found = one(entry)
            if found is False:
                return False
            if found is None:
                answer = None
        return answer

    return test


def _any_of(tests: list[Test]) -> Test:
    def test(entry: Entry) -> bool | None:
        answer: bool | None = False
        for one in tests:
            found = one(entry)
            if found:
                return True
            if found is None:
                answer = None
        return answer

    return test


def _negation(inner: Test) -> Test:
    def test(entry: Entry) -> bool | None:
        found = inner(entry)
        return None if found is None else not found

    return test


def _item(position: int, matches: Callable[[Collection[bytes]], bool]) -> Test:
    """Most attributes in filters have few distinct values: the answer per encoding is remembered."""
    memo: dict[bytes, bool] = {}

    def test(entry: Entry) -> bool | None:
        encoded = entry.encoded(position)
        answer = memo.get(encoded)
        if answer is None:
            answer = matches(entry.values_at(position))
            if encoded and len(encoded) <= _MEMO_BYTES and len(memo) < _MEMO_ENTRIES:
                memo[encoded] = answer
        return answer

    return test


def _value_test(
    item: Comparison | Substrings | Present | Extensible, attribute: str
) -> Callable[[Collection[bytes]], bool]:
    """The test of one attribute's values; absent is no values."""
    match item:
        case Present():
            return lambda values: len(values) > 0
        case Extensible():
            return _bit_test(item)
        case Substrings():
            return _substring_test(item, attribute)
        case Comparison(_, "=" | "~=", value):
            return _equality_test(attribute, value)
        case Comparison():
            return _order_test(attribute, item.operator, item.value)


def _equality_test(attribute: str, value: bytes) -> Callable[[Collection[bytes]], bool]:
    if attribute == "objectcategory" and b"=" not in value:
        short = category_of_class(value.decode(errors="replace"))
        return lambda values: any(category_key(one.decode(errors="replace")) == short for one in values)
    key = key_of(attribute)
    wanted = key(value)
    if wanted is None:
        return lambda values: False
    return lambda values: any(key(one) == wanted for one in values)


def _order_test(attribute: str, operator: str, value: bytes) -> Callable[[Collection[bytes]], bool]:
    key = key_of(attribute)
    wanted = key(value)
    is_greater = operator == ">="

    def matches(values: Collection[bytes]) -> bool:
        for one in values:
            seen = key(one)
            # keys of one attribute are of one type, unless a value is not what its syntax says
            if type(seen) is type(wanted) and (seen == wanted or (seen > wanted) == is_greater):  # type: ignore[operator]
                return True
        return False

    return matches if wanted is not None else lambda values: False


def _substring_test(item: Substrings, attribute: str) -> Callable[[Collection[bytes]], bool]:
    """AD does no substring match on names (DN syntax), numbers and SIDs: nothing is found."""
    key = key_of(attribute)
    if key.__name__ not in ("text_key", "octet_key"):
        return lambda values: False
    is_text = key.__name__ == "text_key"

    def fold(data: bytes) -> bytes:
        return data.decode(errors="surrogateescape").casefold().encode(errors="surrogateescape") if is_text else data

    initial, final = fold(item.initial), fold(item.final)
    middle = [fold(piece) for piece in item.middle]

    def matches_one(value: bytes) -> bool:
        value = fold(value)
        if not value.startswith(initial) or not value.endswith(final):
            return False
        place, end = len(initial), len(value) - len(final)
        for piece in middle:
            place = value.find(piece, place, end)
            if place < 0:
                return False
            place += len(piece)
        return place <= end

    return lambda values: any(matches_one(value) for value in values)


def _bit_test(item: Extensible) -> Callable[[Collection[bytes]], bool]:
    if item.rule not in (BIT_AND, BIT_OR) or not item.attribute:
        raise FilterError(f"matching rule {item.rule or '(none)'} is not supported")
    bits = integer_key(item.value)  # decimal only: AD reads no 0x
    if not isinstance(bits, int):
        return lambda values: False
    wanted = bits

    def matches(values: Collection[bytes]) -> bool:
        for value in values:
            number = integer_key(value)
            if not isinstance(number, int):
                continue
            # Both sides as AD's 32-bit signed numbers: groupType is negative, its literal 2147483648
            common = number & wanted
            if common == wanted if item.rule == BIT_AND else common != 0:
                return True
        return False

    return matches
