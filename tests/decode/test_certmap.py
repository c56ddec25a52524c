import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.decode.certmap import is_leaf_first, issuer_serial, read_mapping, reversed_bytes, root_first, serial_digits
from recon.errors import DecodeError

CONTOSO = "X509:<I>DC=com,DC=contoso,CN=CONTOSO-DC-CA<SR>1200000000AC11000000002B"


@pytest.mark.parametrize(
    ("value", "kind", "strength"),
    [
        (CONTOSO, "X509IssuerSerialNumber", "strong"),
        (CONTOSO.lower(), "X509IssuerSerialNumber", "strong"),
        ("X509:<SKI>123456789abcdef0", "X509SKI", "strong"),
        (f"X509:<SHA1-PUKEY>{'aB' * 20}", "X509SHA1PublicKey", "strong"),
        ("X509:<I>DC=com,CN=CA<S>DC=com,CN=Jane", "X509IssuerSubject", "weak"),
        ("X509:<S>DC=com,CN=Jane <Doe>", "X509SubjectOnly", "weak"),
        ("X509:<RFC822>user@contoso.com", "X509RFC822", "weak"),
        ("Kerberos:user@CONTOSO.COM", "kerberos", "other"),
        ("kerberos:", "kerberos", "other"),
        ("X509:<PN>user@contoso.com", "malformed", "other"),
        ("X509:<I>DC=com,CN=CA", "malformed", "other"),
        ("X509:<SR>12", "malformed", "other"),
        ("X509:<S>CN=Jane<I>CN=CA", "malformed", "other"),
        ("X509:<I>CN=CA<S>CN=Jane<SR>12", "malformed", "other"),
        ("X509:<I><SR>12", "malformed", "other"),
        ("X509:<I>CN=CA<SR>", "malformed", "other"),
        ("X509:<I>CN=CA<SR>123", "malformed", "other"),
        ("X509:<I>CN=CA<SR>12 34", "malformed", "other"),
        ("X509:<SKI>xyz", "malformed", "other"),
        ("X509:<SHA1-PUKEY>1234", "malformed", "other"),
        ("X509:x<S>CN=Jane", "malformed", "other"),
        ("X509:", "malformed", "other"),
        (f"X509:<S>{'x' * 9000}", "malformed", "other"),
        ("X509<S>CN=Jane", "other", "other"),
        ("", "other", "other"),
        ("🦊", "other", "other"),
    ],
)
def test_kind_and_strength(value, kind, strength):
    found = read_mapping(value)
    assert (found.kind, found.strength) == (kind, strength)
    assert bool(found.note) == (strength == "other")


def test_what_a_value_names():
    found = read_mapping(CONTOSO)
    assert (found.issuer, found.serial) == ("DC=com,DC=contoso,CN=CONTOSO-DC-CA", "2B0000000011AC0000000012")
    found = read_mapping("X509: <I> DC=com,CN=CA <S> DC=com,CN=Jane ")
    assert (found.issuer, found.subject, found.serial) == ("DC=com,CN=CA", "DC=com,CN=Jane", None)
    assert read_mapping("x509:<rfc822>A@b").value == "A@b"


def test_an_issuer_in_the_wrong_order_is_proposed_root_first():
    found = read_mapping("X509:<I>CN=CONTOSO-DC-CA, DC=contoso, DC=com<SR>12AB")
    assert found.strength == "strong"
    assert found.strong_value == "X509:<I>DC=com,DC=contoso,CN=CONTOSO-DC-CA<SR>12AB"
    assert "root first" in found.note
    assert read_mapping("X509:<I>CN=CA,DC=com<S>CN=Jane").strong_value is None
    assert read_mapping(CONTOSO).strong_value is None


@pytest.mark.parametrize(
    ("digits", "turned"),
    [
        ("A1B2C3", "C3B2A1"),
        ("2B0000000011AC0000000012", "1200000000AC11000000002B"),
        ("ABC", "BC0A"),
        ("", ""),
        ("1", "01"),
    ],
)
def test_bytes_are_reversed_not_digits(digits, turned):
    assert reversed_bytes(digits) == turned


@given(st.binary(max_size=30))
def test_reversing_is_that_of_bytes(data):
    assert reversed_bytes(data.hex()) == data[::-1].hex()


@pytest.mark.parametrize(
    ("issuer", "serial", "value"),
    [
        ("CN=CONTOSO-DC-CA,DC=contoso,DC=com", "2B0000000011AC0000000012", CONTOSO),
        ("DC=com, DC=contoso, CN=CONTOSO-DC-CA", "0x2b0000000011ac0000000012", CONTOSO),
        ("CN=CONTOSO-DC-CA, DC=contoso, DC=com", "2B:00:00:00:00:11:AC:00:00:00:00:12", CONTOSO),
        ("CN=CA", "abc", "X509:<I>CN=CA<SR>BC0A"),
        ("CN=A\\, B,O=Ü", "1", "X509:<I>O=Ü,CN=A\\, B<SR>01"),
        ('CN="A, B",O=x', "1", 'X509:<I>O=x,CN="A, B"<SR>01'),
        ("C=US,O=U.S. Government,OU=CA", "01", "X509:<I>C=US,O=U.S. Government,OU=CA<SR>01"),
    ],
)
def test_the_strong_mapping_of_issuer_and_serial(issuer, serial, value):
    assert issuer_serial(issuer, serial) == value
    assert read_mapping(value).kind == "X509IssuerSerialNumber"


@pytest.mark.parametrize("issuer", ["", "Contoso CA", 'CN="a', "CN=a,b", "<I>CN=a"])
def test_what_is_no_issuer(issuer):
    with pytest.raises(DecodeError, match="not a distinguished name"):
        root_first(issuer)
    assert not is_leaf_first(issuer)


@pytest.mark.parametrize("serial", ["", "xyz", "-1", "0x", "1" * 81, "１２"])
def test_what_is_no_serial(serial):
    with pytest.raises(DecodeError, match="not a serial number"):
        serial_digits(serial)


@given(st.text(max_size=60) | st.text(alphabet='X509:<>ISRKU-CN=,\\" ', max_size=60).map("X509:".__add__))
def test_no_value_is_too_odd(value):
    assert read_mapping(value).strength in ("strong", "weak", "other")
