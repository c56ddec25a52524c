"""userAccountControl: the values administrators meet, and what a stored value cannot tell."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.decode.uac import FLAGS, flags, is_disabled, warnings
from recon.errors import DecodeError


@pytest.mark.parametrize("value", [512, 544, 66048, 66080, 262656, 4096, 4128, 532480, 2080, 83890176])
def test_enabled(value):
    assert is_disabled(value) is False
    assert "ACCOUNTDISABLE" not in flags(value)
    assert warnings(value) == []


@pytest.mark.parametrize("value", [514, 546, 66050, 66082, 262658, 4098])
def test_disabled(value):
    assert is_disabled(value) is True
    assert "ACCOUNTDISABLE" in flags(value)
    assert warnings(value) == []


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (0, []),
        (512, ["NORMAL_ACCOUNT"]),
        (66082, ["ACCOUNTDISABLE", "PASSWD_NOTREQD", "NORMAL_ACCOUNT", "DONT_EXPIRE_PASSWORD"]),
        (262656, ["NORMAL_ACCOUNT", "SMARTCARD_REQUIRED"]),
        (4128, ["PASSWD_NOTREQD", "WORKSTATION_TRUST_ACCOUNT"]),
        (532480, ["SERVER_TRUST_ACCOUNT", "TRUSTED_FOR_DELEGATION"]),
        (2080, ["PASSWD_NOTREQD", "INTERDOMAIN_TRUST_ACCOUNT"]),
        (83890176, ["WORKSTATION_TRUST_ACCOUNT", "TRUSTED_TO_AUTH_FOR_DELEGATION", "PARTIAL_SECRETS_ACCOUNT"]),
        (8389120, ["NORMAL_ACCOUNT", "PASSWORD_EXPIRED"]),
        (528, ["LOCKOUT", "NORMAL_ACCOUNT"]),
        (4, []),
    ],
)
def test_names_of_the_flags(value, names):
    assert flags(value) == names


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (8389120, ["computed bit in stored value: PASSWORD_EXPIRED proves nothing here"]),
        (528, ["computed bit in stored value: LOCKOUT proves nothing here"]),
        (512 + 0x8000000, ["computed bit in stored value: USE_AES_KEYS proves nothing here"]),
        (4, ["undocumented bit 2"]),
        (512 + 1024 + 16384, ["undocumented bit 10", "undocumented bit 14"]),
        (-2147483648, ["undocumented bit 31"]),
        (2147483648, ["undocumented bit 31"]),
        (512 + 64, ["PASSWD_CANT_CHANGE is an access control entry: the stored bit proves nothing"]),
        (544, []),
    ],
)
def test_what_must_not_be_concluded(value, expected):
    assert warnings(value) == expected


@pytest.mark.parametrize("value", [1 << 32, -(1 << 31) - 1, 1 << 63])
def test_more_than_32_bits_are_refused(value):
    with pytest.raises(DecodeError, match="needs more than 32 bits"):
        flags(value)
    with pytest.raises(DecodeError, match="needs more than 32 bits"):
        warnings(value)


def test_the_table_of_flags_is_consistent():
    assert [flag.bit for flag in FLAGS] == sorted({flag.bit for flag in FLAGS})
    assert all(flag.value == 1 << flag.bit and flag.note for flag in FLAGS)
    assert {flag.name for flag in FLAGS if flag.is_computed} == {"LOCKOUT", "PASSWORD_EXPIRED", "USE_AES_KEYS"}
    assert not {4, 1024, 16384, 32768} & {flag.value for flag in FLAGS}


@given(st.integers(0, 2**32 - 1))
def test_every_bit_has_a_name_or_a_warning(value):
    values = {flag.name: flag.value for flag in FLAGS}
    named = sum(values[name] for name in flags(value))
    unnamed = sum(1 << int(text.split()[-1]) for text in warnings(value) if text.startswith("undocumented"))
    assert named + unnamed == value
