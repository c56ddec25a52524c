"""Defects of mail addresses: hit and near miss, one cause one defect."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.decode.mail import mail_defects

SOUND = [
    "jane.doe@contoso.example",
    "J@x.co",
    "o'brien+hr_2@sub.contoso.example",
    "a@1and1.example",
    "a@xn--mller-kva.example",
    "!#$%&'*+/=?^_`{|}~-@contoso.example",
    "a" * 64 + "@contoso.example",
    "a@" + "b" * 63 + ".example",
    "a@" + ".".join(["b" * 60] * 4) + ".com",
]


@pytest.mark.parametrize("text", SOUND)
def test_a_sound_address_has_no_defect(text):
    assert mail_defects(text) == ()


@pytest.mark.parametrize(
    ("text", "defects"),
    [
        ("", ("no_at",)),
        ("jane", ("no_at",)),
        ("jane.contoso.example", ("no_at",)),
        ("a@b@contoso.example", ("several_ats",)),
        ("a@b.example;c@d.example", ("several_ats",)),
        ("@contoso.example", ("empty_local",)),
        ("@", ("empty_local", "bad_domain")),
        ("jane@", ("bad_domain",)),
        ("jane@contoso", ("bad_domain",)),
        ("jane@.contoso.example", ("bad_domain",)),
        ("jane@contoso..example", ("bad_domain",)),
        ("jane@contoso.example.", ("bad_domain",)),
        ("jane@-contoso.example", ("bad_domain",)),
        ("jane@contoso-.example", ("bad_domain",)),
        ("jane@con_toso.example", ("bad_domain",)),
        ("jane@192.168.0.1", ("bad_domain",)),
        ("jane@[192.168.0.1]", ("bad_domain",)),
        ("jane@" + "b" * 64 + ".example", ("bad_domain",)),
        (".jane@contoso.example", ("bad_local",)),
        ("jane.@contoso.example", ("bad_local",)),
        ("jane..doe@contoso.example", ("bad_local",)),
        ("jane,doe@contoso.example", ("bad_local",)),
        ("<jane@contoso.example>", ("bad_local", "bad_domain")),
        ('"jane"@contoso.example', ("bad_local",)),
        ("smtp:jane@contoso.example", ("bad_local",)),
        ("a" * 65 + "@contoso.example", ("bad_local",)),
        (" jane@contoso.example", ("blanks",)),
        ("jane@contoso.example ", ("blanks",)),
        ("jane doe@contoso.example", ("blanks",)),
        ("jane\u3000@contoso.example", ("blanks", "non_ascii")),
        ("jane@contoso.example\u00a0", ("blanks", "non_ascii")),
        ("   ", ("blanks", "no_at")),
        ("jane@contoso.example\n", ("control",)),
        ("ja\x00ne@contoso.example", ("control",)),
        ("jane\t@contoso.example ", ("control", "blanks")),
        ("jane\x85@contoso.example", ("control", "non_ascii")),
        ("josé@contoso.example", ("non_ascii",)),
        ("jane@müller.example", ("non_ascii",)),
        ("jane\u200b@contoso.example", ("non_ascii",)),
        ("ｊane＠contoso.example", ("non_ascii", "no_at")),
        ("é@", ("non_ascii", "bad_domain")),
        ("a@" + ".".join(["b" * 61] * 4) + ".com", ("too_long",)),
    ],
)
def test_each_defect_is_named(text, defects):
    assert mail_defects(text) == defects


def test_the_limit_is_250_characters():
    domain = ".".join(["b" * 61] * 3)
    exact = "a@" + domain + "." + "c" * (250 - len(domain) - 3)
    assert len(exact) == 250
    assert mail_defects(exact) == ()
    assert mail_defects("a" + exact) == ("too_long",)


@given(st.text(max_size=80))
def test_any_text_gets_a_verdict_and_blanks_are_always_seen(text):
    found = mail_defects(text)
    assert len(set(found)) == len(found)
    assert ("non_ascii" in found) == (not text.isascii())
    assert ("no_at" in found) == ("@" not in text)
    if not found:
        assert text.isprintable()
        assert " " not in text
        assert text.count("@") == 1


def test_a_hostile_value_costs_one_pass():
    assert mail_defects("a." * 100_000) == ("too_long", "no_at")
    assert mail_defects("a@" + "a-" * 100_000) == ("too_long", "bad_domain")
    assert mail_defects("a@" + "a." * 100_000) == ("too_long", "bad_domain")
