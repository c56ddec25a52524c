"""Keys: what counts as equal, what has no key, and names whose commas are escaped."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from recon.decode.keys import (
    EmployeeIdRules,
    dn_key,
    dn_key_and_path,
    dn_parts,
    employee_id_key,
    fold,
    mail_domain,
    ou_path,
    proxy_parts,
    upn_suffix,
)
from recon.errors import DecodeError


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (None, None),
        ("", None),
        ("   ", None),
        ("\u00a0\u2003\t", None),
        ("Jane.Doe@Contoso.example ", "jane.doe@contoso.example"),
        ("\u3000Jane\u00a0", "jane"),
        ("Straße", "strasse"),
        ("STRASSE", "strasse"),
        ("Ångström", "ångström"),
        ("A\u030angstro\u0308m", "ångström"),
        ("\u212bngström", "ångström"),
        ("Élan", "élan"),
        ("Elan", "elan"),
        ("ΣΊΣΥΦΟΣ", "σίσυφοσ"),
        ("İstanbul", "i\u0307stanbul"),
        ("山田", "山田"),
        ("a  b", "a  b"),
        ("O'Brien", "o'brien"),
        ("O’Brien", "o’brien"),
    ],
)
def test_fold(text, key):
    assert fold(text) == key


@pytest.mark.parametrize(
    ("text", "size", "key"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, None),
        (" abc ", 3, "abc"),
        ("ß", 1, None),
        ("ß", 2, "ss"),
        ("é", 1, "é"),
        ("\U0001f600", 1, None),
        ("\U0001f600", 2, "\U0001f600"),
        ("\U0001f600é", 2, None),
    ],
)
def test_a_key_longer_than_its_column_is_no_key(text, size, key):
    assert fold(text, size) == key


@given(st.text())
@example("\u0345\u0301")
@example("\u1fb3\u0313")
@example("\u01f0")
@example("ΐ")
def test_folding_again_changes_nothing(text):
    key = fold(text)
    assert key is None or (key and fold(key) == key and unicodedata.is_normalized("NFC", key) and key == key.strip())


@given(st.text())
def test_composed_decomposed_and_padded_text_have_one_key(text):
    assert fold(unicodedata.normalize("NFD", text)) == fold(text)
    assert fold(f" \u2003{unicodedata.normalize('NFC', text)}\u00a0") == fold(text)


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_takes_the_same_way_as_other_text(text):
    assert fold(text) == (unicodedata.normalize("NFC", text.casefold()).strip() or None)


@pytest.mark.parametrize(
    ("text", "rules", "key"),
    [
        (None, EmployeeIdRules(), None),
        ("  ", EmployeeIdRules(), None),
        (" WD-00123 ", EmployeeIdRules(), "wd-00123"),
        ("00123", EmployeeIdRules(), "00123"),
        ("WD-00123", EmployeeIdRules(("WD-",)), "00123"),
        ("wd-00123", EmployeeIdRules(("WD-",), True), "123"),
        ("WD- 00123", EmployeeIdRules(("WD-",), True), "123"),
        ("XWD-123", EmployeeIdRules(("WD-",), True), "xwd-123"),
        ("EXT-7", EmployeeIdRules(("WD-", "EXT-")), "7"),
        ("WD-EXT-7", EmployeeIdRules(("WD-", "EXT-")), "ext-7"),
        ("WD-", EmployeeIdRules(("WD-",)), None),
        ("000", EmployeeIdRules(strip_leading_zeros=True), "0"),
        ("0A12", EmployeeIdRules(strip_leading_zeros=True), "a12"),
        ("120", EmployeeIdRules(strip_leading_zeros=True), "120"),
        ("WD-1", EmployeeIdRules(("", " ")), "wd-1"),
        ("1" * 64, EmployeeIdRules(), "1" * 64),
        ("1" * 65, EmployeeIdRules(), None),
        ("0" * 70 + "1", EmployeeIdRules(strip_leading_zeros=True), "1"),
    ],
)
def test_employee_ids_lose_only_what_the_site_says(text, rules, key):
    assert employee_id_key(text, rules) == key


@pytest.mark.parametrize(
    ("text", "suffix"),
    [
        (None, None),
        ("jane", None),
        ("jane@", None),
        ("jane@ ", None),
        ("Jane@Contoso.Example", "contoso.example"),
        ("jane_gmail.com#EXT#@contoso.example", "contoso.example"),
        ("a@b@c.example", "c.example"),
        ("jane@müller.example", "müller.example"),
    ],
)
def test_what_stands_behind_the_last_at(text, suffix):
    assert upn_suffix(text) == suffix
    assert mail_domain(text) == suffix


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        ("SMTP:Jane@contoso.example", ("SMTP", "Jane@contoso.example")),
        ("smtp:j@contoso.example", ("smtp", "j@contoso.example")),
        ("X500:/o=Contoso/cn=a:b", ("X500", "/o=Contoso/cn=a:b")),
        ("sip: x", ("sip", " x")),
        ("SMTP:", ("SMTP", "")),
        ("jane@contoso.example", (None, "jane@contoso.example")),
        (":x", (None, ":x")),
        ("a b:c", (None, "a b:c")),
        ("", (None, "")),
        ("smtp:a\nb", ("smtp", "a\nb")),
    ],
)
def test_parts_of_a_proxy_address(value, parts):
    assert proxy_parts(value) == parts


@pytest.mark.parametrize(
    ("dn", "key"),
    [
        ("CN=Jane Doe,OU=Users,DC=contoso,DC=example", "cn=jane doe,ou=users,dc=contoso,dc=example"),
        (r"CN=Doe\, Jane,OU=Users,DC=contoso", r"cn=doe\, jane,ou=users,dc=contoso"),
        (r"CN=Doe\2C Jane,OU=Users,DC=contoso", r"cn=doe\, jane,ou=users,dc=contoso"),
        (r"cn = Doe\2c Jane , ou = Users,DC =contoso ", r"cn=doe\, jane,ou=users,dc=contoso"),
        (r"CN=\#1 Team,DC=x", r"cn=\#1 team,dc=x"),
        (r"CN=\231 Team,DC=x", r"cn=\#1 team,dc=x"),
        ("CN=C# Team,DC=x", "cn=c# team,dc=x"),
        (r"CN=C\# Team,DC=x", "cn=c# team,dc=x"),
        (r"CN=\ lead,DC=x", r"cn=\ lead,dc=x"),
        (r"CN=\20lead,DC=x", r"cn=\ lead,dc=x"),
        ("CN= lead,DC=x", "cn=lead,dc=x"),
        (r"CN=trail\ ,DC=x", r"cn=trail\ ,dc=x"),
        (r"CN=trail\   ,DC=x", r"cn=trail\ ,dc=x"),
        (r"CN=trail\20,DC=x", r"cn=trail\ ,dc=x"),
        ("CN=trail ,DC=x", "cn=trail,dc=x"),
        (r"CN=slash\\,DC=x", r"cn=slash\\,dc=x"),
        (r"CN=slash\\ ,DC=x", r"cn=slash\\,dc=x"),
        (r"CN=\ ,DC=x", r"cn=\ ,dc=x"),
        (r"CN=Andr\C3\A9,DC=x", "cn=andré,dc=x"),
        ("CN=Andre\u0301,DC=x", "cn=andré,dc=x"),
        ("CN=MÜLLER Straße,DC=x", "cn=müller strasse,dc=x"),
        (r"CN=a\=b,DC=x", "cn=a=b,dc=x"),
        ("CN=a=b,DC=x", "cn=a=b,dc=x"),
        (r"CN=\"q\"\+\<\>\;,DC=x", r"cn=\"q\"\+\<\>\;,dc=x"),
        (r"CN=Jane\0ADEL:1234,CN=Deleted Objects,DC=x", r"cn=jane\0adel:1234,cn=deleted objects,dc=x"),
        ("CN=Jane\nDEL:1234,CN=Deleted Objects,DC=x", r"cn=jane\0adel:1234,cn=deleted objects,dc=x"),
        ("CN=Jane+UID=7,DC=x", "cn=jane+uid=7,dc=x"),
        ("UID=7 + CN=Jane,DC=x", "cn=jane+uid=7,dc=x"),
        ("2.5.4.3=Jane,DC=x", "2.5.4.3=jane,dc=x"),
        ("CN=,DC=x", "cn=,dc=x"),
        ("DC=example", "dc=example"),
        ("CN=greek\u037e,DC=x", r"cn=greek\;,dc=x"),
        ("CN=山田 太郎,OU=部署,DC=x", "cn=山田 太郎,ou=部署,dc=x"),
    ],
)
def test_one_name_has_one_key(dn, key):
    assert dn_key(dn) == key
    assert dn_key(key) == key


@pytest.mark.parametrize(
    "dn",
    [
        None, "", " ", "Jane Doe", "Doe, Jane", "CN=Jane,", ",DC=x", "CN=a,,DC=x", "CN=a;DC=x", "=a,DC=x", "C N=a",
        "CN=a\\", "CN=a\\zz,DC=x", 'CN="Doe, Jane",DC=x', "CN=a<b,DC=x", "CN=#04024869,DC=x", "CN=a\0,DC=x",
        r"CN=\C3,DC=x", "CN=a+,DC=x",
    ],
)  # fmt: skip
def test_other_text_has_no_key(dn):
    assert dn_key(dn) is None


def test_a_name_longer_than_the_column_has_no_key():
    dn = "CN=" + "a" * 100 + ",DC=x"
    assert dn_key(dn, 108) == dn.lower()
    assert dn_key(dn, 107) is None


def test_parts_of_a_name_are_unescaped():
    assert dn_parts(r"CN=Doe\, Jane\ +UID=7,OU=R\26D,DC=x") == [
        [("CN", "Doe, Jane "), ("UID", "7")],
        [("OU", "R&D")],
        [("DC", "x")],
    ]


def test_parts_of_no_name_are_refused():
    with pytest.raises(DecodeError, match=r"^not a distinguished name: 'Doe, Jane'$"):
        dn_parts("Doe, Jane")
    with pytest.raises(DecodeError, match=r"bytes that are not UTF-8$"):
        dn_parts(r"CN=\C3,DC=x")


def test_a_hostile_name_costs_one_pass():
    assert dn_key("CN=" + " a" * 200_000 + "\\") is None
    assert dn_key("CN=" + "," * 200_000) is None
    assert dn_key("CN=a" + " " * 200_000 + '"') is None


@pytest.mark.parametrize(
    ("dn", "path"),
    [
        ("CN=Jane,OU=Users,DC=Contoso", "OU=Users,DC=Contoso"),
        (r"CN=Doe\, Jane,OU=R\, D,DC=x", r"OU=R\, D,DC=x"),
        (r"CN=Doe\2C Jane,OU=Users,DC=x", "OU=Users,DC=x"),
        (r"CN=slash\\,OU=Users,DC=x", "OU=Users,DC=x"),
        (r"CN=slash\\\,,OU=Users,DC=x", "OU=Users,DC=x"),
        ("CN=Jane, OU=Users,DC=x", "OU=Users,DC=x"),
        ("CN=Jane+UID=7,DC=x", "DC=x"),
        ("DC=example", None),
        ("", None),
        (None, None),
        ("Doe, Jane", None),
        ("CN=Jane,", None),
        ("CN=Doe, Jane", None),
    ],
)
def test_the_container_of_a_name(dn, path):
    assert ou_path(dn) == path


values = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=12)
names = st.lists(st.tuples(st.sampled_from(["CN", "ou", "Dc"]), values), min_size=1, max_size=4)


def _plainly(value):
    return "".join("\\" + c if c in ',+"\\<>;' else c for c in value).replace(" ", "\\ ").replace("#", "\\#")


def _in_hexadecimal(value):
    return "".join(f"\\{byte:02X}" for byte in value.encode())


@given(names)
def test_every_spelling_of_a_name_has_one_key(name):
    plain = ",".join(f"{kind}={_plainly(value)}" for kind, value in name)
    hexadecimal = " , ".join(f"{kind} = {_in_hexadecimal(value)}" for kind, value in name)
    assert dn_parts(plain) == dn_parts(hexadecimal) == [[part] for part in name]
    assert dn_key(plain) == dn_key(hexadecimal) is not None
    assert dn_key(dn_key(plain)) == dn_key(plain)


@given(
    st.text(st.sampled_from('cnou=,+\\ #2C"aé\n'), max_size=30)
    | st.lists(st.sampled_from(["cn=a", "CN=É", "ou=b+uid=1", " ou = c", r"dc=d\,e", "dc=", "x"]), max_size=4).map(
        ",".join
    ),
    st.sampled_from([None, 1, 9, 450]),
)
def test_key_and_path_in_one_step(text, size):
    assert dn_key_and_path(text, size) == (dn_key(text, size), ou_path(text))


@given(st.text(st.sampled_from('cnou=,+\\ #2C"aé\n'), max_size=30))
def test_any_text_is_a_name_with_a_stable_key_or_has_none(text):
    key = dn_key(text)
    assert key is None or dn_key(key) == key
    try:
        dn_parts(text)
    except DecodeError:
        assert key is None
    else:
        assert key is not None
