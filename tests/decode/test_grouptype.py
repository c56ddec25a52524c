"""groupType and sAMAccountType."""

import pytest

from recon.decode.grouptype import SAM_ACCOUNT_TYPES, GroupType, describe, sam_account_type
from recon.errors import DecodeError


@pytest.mark.parametrize(
    ("value", "scope", "is_security"),
    [
        (-2147483646, "global", True),
        (-2147483644, "domain local", True),
        (-2147483640, "universal", True),
        (-2147483643, "builtin local", True),
        (2, "global", False),
        (4, "domain local", False),
        (8, "universal", False),
        (16, "app basic", False),
        (32, "app query", False),
    ],
)
def test_scope_and_kind(value, scope, is_security):
    found = describe(value)
    assert (found.scope, found.is_security, found.value) == (scope, is_security, value)


def test_the_unsigned_form_is_the_same_group():
    assert describe(2147483650) == describe(-2147483646)
    assert describe(2147483650) == GroupType("global", True, -2147483646, ("ACCOUNT_GROUP", "SECURITY_ENABLED"))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (0, "names no scope"),
        (-2147483648, "names no scope"),
        (1, "names no scope"),
        (6, "names 2 scopes"),
        (14, "names 3 scopes"),
        (2 + 64, "unknown bits 0x40"),
        (512, "unknown bits 0x200"),
        (1 << 32, "more than 32 bits"),
        (-(1 << 31) - 1, "more than 32 bits"),
    ],
)
def test_other_numbers_are_no_group_type(value, reason):
    with pytest.raises(DecodeError, match=f"^not a groupType value: .*{reason}$"):
        describe(value)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (268435456, "security group"),
        (268435457, "distribution group"),
        (536870912, "domain local security group"),
        (536870913, "domain local distribution group"),
        (805306368, "user"),
        (805306369, "computer"),
        (805306370, "trust"),
        (1073741824, "app basic group"),
        (1073741825, "app query group"),
    ],
)
def test_kinds_of_account(value, kind):
    assert sam_account_type(value) == kind
    assert len(SAM_ACCOUNT_TYPES) == 9


def test_an_unknown_kind_of_account_is_refused():
    with pytest.raises(DecodeError, match=r"^not a sAMAccountType value: 805306371$"):
        sam_account_type(805306371)
