"""A refused bind, in words with a next step."""

import pytest

from recon.errors import SignInError
from recon.sources.ldap.bind_errors import SUB_CODES, bind_refused, sub_code

TEXT = "80090308: LdapErr: DSID-0C090569, comment: AcceptSecurityContext error, data {}, v4563\0"


@pytest.mark.parametrize("code", sorted(SUB_CODES))
def test_each_sub_code_has_a_reason_and_a_next_step(code):
    error = bind_refused("dc1:636", "reader@contoso.example", 49, TEXT.format(code.upper()))
    assert isinstance(error, SignInError)
    assert SUB_CODES[code][0] in str(error)
    assert f"(data {code})" in str(error)
    assert error.hint == SUB_CODES[code][1]
    assert "\0" not in str(error)


def test_wrong_password_lists_all_three_causes():
    error = bind_refused("dc1:636", "CONTOSOO\\reader", 49, TEXT.format("52e"))
    assert str(error) == "dc1:636 refused to sign in CONTOSOO\\reader: wrong password, user name or domain (data 52e)"
    assert error.hint is not None
    for cause in ("password", "user name", "domain"):
        assert cause in error.hint


def test_channel_binding_is_told_from_credentials():
    for text in (
        "80090346: LdapErr: DSID-0C0906B0, comment: AcceptSecurityContext error, data 80090346, v4563\0",
        "80090346: LdapErr: DSID-0C0906B0, comment: AcceptSecurityContext error",
    ):
        error = bind_refused("dc1:636", "reader", 49, text)
        assert "channel binding" in str(error)
        assert error.hint is not None
        assert "password is not the cause" in error.hint


@pytest.mark.parametrize(("is_kerberos", "remedy"), [(False, 'sign_in = "kerberos"'), (True, "StartTLS")])
def test_the_remedy_for_channel_binding_is_not_what_was_refused(is_kerberos, remedy):
    error = bind_refused("dc1:636", "reader", 49, TEXT.format("80090346"), is_kerberos=is_kerberos)
    assert "channel binding" in str(error)
    assert error.hint is not None
    assert remedy in error.hint
    assert ("kerberos" in error.hint) is not is_kerberos


@pytest.mark.parametrize("result", [8, 13])
def test_signing_is_cured_by_tls(result):
    error = bind_refused("dc1:389", "reader", result, "00002028: LdapErr: DSID-0C09027F, comment: …, data 0, v4563")
    assert "demands signing or TLS" in str(error)
    assert error.hint is not None
    assert "ldaps://" in error.hint


def test_an_unknown_sub_code_is_shown_and_not_explained():
    error = bind_refused("dc1:636", "reader", 49, TEXT.format("7ff"))
    assert str(error).endswith("Windows error 2047 (data 7ff)")


def test_hostile_text_is_made_visible_and_short():
    error = bind_refused("dc1:636", "re\x1b[31mader", 80, "\x1b]0;title\x07" + "x" * 5000)
    assert "\x1b" not in str(error)
    assert len(str(error)) < 400


def test_the_sub_code_is_found_or_none():
    assert sub_code(TEXT.format("52E")) == "52e"
    assert sub_code("no metadata 52") is None
    assert sub_code("") is None
