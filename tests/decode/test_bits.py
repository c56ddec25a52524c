import random

import pytest

from recon.decode import grouptype, uac
from recon.decode.bits import bits
from recon.errors import DecodeError


@pytest.mark.parametrize(
    ("value", "signed", "unsigned", "width", "powers"),
    [
        (0, 0, 0, 32, []),
        (514, 514, 514, 32, [1, 9]),
        (-2147483646, -2147483646, 2147483650, 32, [1, 31]),
        (2147483650, -2147483646, 2147483650, 32, [1, 31]),
        (-1, -1, 2**32 - 1, 32, list(range(32))),
        (2**32, 2**32, 2**32, 64, [32]),
        (-(2**31) - 1, -(2**31) - 1, 2**64 - 2**31 - 1, 64, [*range(31), *range(32, 64)]),
        (2**64 - 1, -1, 2**64 - 1, 64, list(range(64))),
        (-(2**63), -(2**63), 2**63, 64, [63]),
    ],
)
def test_both_forms_and_every_bit(value, signed, unsigned, width, powers):
    found = bits(value)
    assert found[:3] == (signed, unsigned, width)
    assert [(bit.power, bit.value) for bit in found.bits] == [(power, 2**power) for power in powers]


def test_the_bits_are_the_number():
    chance = random.Random(4)
    for _ in range(2000):
        value = chance.getrandbits(chance.randint(1, 64))
        assert sum(bit.value for bit in bits(value).bits) == value


@pytest.mark.parametrize("value", [514, 546, 528, 8389120, 83890176, 4, 2**31])
def test_flags_of_accounts(value):
    assert [bit.name for bit in bits(value, "uac").bits if bit.name] == uac.flags(value)


def test_flags_of_groups():
    assert tuple(bit.name for bit in bits(-2147483643, "grouptype").bits) == grouptype.describe(-2147483643).flags


def test_bits_without_a_name():
    (bit,) = bits(4, "uac").bits
    assert (bit.name, bit.note) == ("", "undocumented")


@pytest.mark.parametrize(
    ("value", "kind", "said"),
    [
        (2**64, "number", "64 bits"),
        (-(2**63) - 1, "number", "64 bits"),
        (2**32, "uac", "userAccountControl value: 4294967296 needs more than 32 bits"),
        (2**32, "grouptype", "groupType"),
    ],
)
def test_too_many_bits(value, kind, said):
    with pytest.raises(DecodeError, match=said):
        bits(value, kind)
