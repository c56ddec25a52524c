"""What synchronization refuses: each rule with its boundary."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.decode.idfix import (
    PRIVATE_DOMAINS,
    address_defects,
    is_private_domain,
    nickname_defects,
    proxy_defects,
    target_key,
    upn_defects,
    user_sam_defects,
)


@pytest.mark.parametrize(
    ("upn", "found"),
    [
        ("mia.lorenz@contoso.example", ()),
        ("o'brien_1!#^~-x@contoso.com", ()),
        ("MIA@CONTOSO.COM", ()),
        ("mia@xn--mller-kva.de", ()),
        (f"{'a' * 64}@{'b' * 44}.com", ()),
        (f"{'a' * 65}@contoso.com", ("too_long",)),
        (f"a@{'b' * 45}.com", ("too_long",)),
        ("", ("no_at",)),
        ("mia", ("no_at",)),
        ("@contoso.com", ("empty_local",)),
        ("a@b@contoso.com", ("several_ats",)),
        ("mia.@contoso.com", ("bad_local",)),
        (".mia@contoso.com", ()),
        ("zoë@contoso.com", ("bad_character",)),
        ("mia@münchen.de", ("bad_character",)),
        ("mia lorenz@contoso.com", ("bad_character",)),
        (" mia@contoso.com ", ()),
        ("mia@contoso..com", ("bad_domain",)),
        ("mia@-contoso.com", ("bad_domain",)),
        ("mia@contoso-.com", ("bad_domain",)),
        ("mia@", ("bad_domain",)),
        ("mia@corp", ("not_routable",)),
        ("mia@ad.contoso.LOCAL", ("not_routable",)),
        ("mia@local.contoso.com", ()),
        ("ä&@corp.local", ("bad_character", "not_routable")),
    ],
)
def test_upn(upn, found):
    assert upn_defects(upn) == found


@pytest.mark.parametrize("mark", '\\%&*+/=?{}|<>();:,[]"$`äÉ ')
def test_characters_that_no_upn_has(mark):
    assert upn_defects(f"a{mark}b@contoso.com") == ("bad_character",)


@pytest.mark.parametrize("name", sorted(PRIVATE_DOMAINS))
def test_private_domains(name):
    assert is_private_domain(f"contoso.{name.upper()}")
    assert is_private_domain(name)
    assert not is_private_domain(f"{name}.com")
    assert not is_private_domain(f"contoso.x{name}")


def test_domains_for_documentation_count_as_routable():
    assert not is_private_domain("contoso.example")
    assert is_private_domain("")
    assert is_private_domain(".local")


@pytest.mark.parametrize(
    ("mail", "found"),
    [
        ("a@contoso.com", ()),
        ("a@corp.local", ("not_routable",)),
        ("a@corp", ("bad_domain",)),
        ("a b@corp.local", ("blanks", "not_routable")),
        ("a@corp.local ", ("blanks", "not_routable")),
        ("a@corp.local.", ("bad_domain", "not_routable")),
        ("a@local.", ("bad_domain",)),
        ("a@.com", ("bad_domain",)),
        ("nobody", ("no_at",)),
        ("Ä@contoso.com", ("non_ascii",)),
    ],
)
def test_mail(mail, found):
    assert address_defects(mail) == found


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("SMTP:a@contoso.com", ()),
        ("smtp:a@corp.local", ("not_routable",)),
        ("sMtP:a@@b", ("several_ats",)),
        ("smtp: a@contoso.com", ("blanks",)),
        ("smtp:", ("no_at",)),
        ("a@contoso.com", ("no_prefix",)),
        ("", ("no_prefix",)),
        (" smtp:a@contoso.com", ("no_prefix", "blanks")),
        ("a\u0007", ("no_prefix", "control")),
        ("a" * 257, ("no_prefix", "too_long")),
        ("sip:a@contoso.com ", ("bad_character", "blanks")),
        ("sip:a\u0007", ("control",)),
        ("x500:/o=First (EMEA)/cn=[Recipients]", ()),
        ("X400:c=DE;a= ;p=Contoso;", ()),
        (f"X500:{'x' * 300}", ()),
        ("sip:a@contoso.com", ()),
        ("sip:a@corp.local", ()),
        ("sip:a(b)@contoso.com", ("bad_character",)),
        ("EUM:1234;phone-context=plan", ()),
        (f"sip:{'a' * 252}", ()),
        (f"sip:{'a' * 253}", ("too_long",)),
        (f"smtp:{'a' * 59}@{'b.' * 94}com", ()),
        (f"smtp:{'a' * 59}@{'b.' * 94}comm", ("too_long",)),
    ],
)
def test_proxy_addresses_and_target_address(value, found):
    assert proxy_defects(value) == found


@pytest.mark.parametrize(
    ("nickname", "found"),
    [
        ("mia.lorenz", ()),
        ("zoë-1_x", ()),
        (".mia", ("bad_period",)),
        ("mia.", ("bad_period",)),
        ("mia ", ()),  # the blank at the end is told by itself
        ("mia lorenz", ("bad_character",)),
        (".a@b", ("bad_character", "bad_period")),
    ],
)
def test_nicknames(nickname, found):
    assert nickname_defects(nickname) == found


@pytest.mark.parametrize("mark", "\\!#$%&*+/=?^`{}|~<>()';:,[]\"@\t")
def test_characters_that_no_nickname_has(mark):
    assert nickname_defects(f"a{mark}b") == ("bad_character",)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("mlorenz", ()),
        ("m.lorenz_1$ ä'", ()),
        ("a" * 20, ()),
        ("a" * 21, ("too_long",)),
        ("a@b", ()),
        ("a;b" * 7, ("bad_character", "too_long")),
    ],
)
def test_account_names(name, found):
    assert user_sam_defects(name) == found


@pytest.mark.parametrize("mark", '"\\/[]:;|=,+*?<>')
def test_characters_that_no_account_name_has(mark):
    assert user_sam_defects(f"a{mark}b") == ("bad_character",)


def test_target_addresses_meet_mail():
    assert target_key("SMTP:Zoë@Example.net ") == "zoë@example.net"
    assert target_key("x400:C=DE") == "x400:c=de"
    assert target_key("Zoë@Example.net") == "zoë@example.net"
    assert target_key("SMTP:") is None
    assert target_key("SMTP:abc", 2) is None


@given(st.text(max_size=130))
def test_any_text_is_judged(text):
    for rule in (upn_defects, address_defects, proxy_defects, nickname_defects, user_sam_defects):
        found = rule(text)
        assert len(set(found)) == len(found)


@given(st.from_regex(r"\A[a-z0-9'_!#^~-]{1,64}@([a-z0-9]{1,10}\.){1,3}(com|net|org)\Z"))
def test_plain_names_pass(text):
    assert upn_defects(text) == ()
