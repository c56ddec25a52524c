import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.decode.syncerror import read_sync_error
from recon.errors import DecodeError

OBJECT, OTHER = "b1d0b05b-d012-4be5-8259-b1ad1fa88211", "c2d0b05b-d012-4be5-8259-b1ad1fa88299"
TRACKING = "673b26d2-b793-4b26-91f5-2bb753c97059"
SENTENCE = (
    "Unable to update this object in Microsoft Entra ID, because the attribute [{}], is not valid. Update the value."
)
BLOCK = '[{{"Key":"ObjectId","Value":["{}"]}},{{"Key":"InvalidAttributeName","Value":["{}"]}}]'


def whole(attribute: str = "employeeHireDate") -> str:
    return (
        f"{SENTENCE.format(attribute)}\n\nTracking Id: {TRACKING}\nExtraErrorDetails:\n"
        f"{BLOCK.format(OBJECT.upper(), attribute)}\n"
    )


CURLY = whole().replace('"', "”").replace("”Key", "“Key")
SPELLINGS = {
    "as it is": whole(),
    "curly quotes": CURLY,
    "low quotes": whole().replace('"', "„"),
    "CRLF": whole().replace("\n", "\r\n"),
    "one line": whole().replace("\n", " "),
    "broken lines": whole().replace(",{", ",\n   {").replace(":[", ": [ "),
    "value is no list": whole().replace('["', '"').replace('"]}', '"}'),
    "no-break spaces": whole().replace(" ", "\u00a0"),
    "escaped": whole().replace('"', "&quot;"),
    "cut off": whole()[:-4],
    "around it": f"DataValidationFailed\nConnected data source error code: 0x8023134A\n{whole()}\nSee https://x",
    "numeric entities": whole().replace('"', "&#34;"),
    "in a JSON log": whole().replace('"', '\\"'),
    "straight single quotes": whole().replace('"', "'"),
    "typographic hyphens": whole().replace("-", "\u2011"),
    "zero-width characters": whole().replace("Id", "I\u200bd").replace("Value", "Va\u00adlue"),
    "line break in the id": whole().replace(OBJECT.upper(), f"{OBJECT[:14]}\r\n{OBJECT[14:]}"),
    "value before key": (
        whole()
        .replace(f'"Key":"ObjectId","Value":["{OBJECT.upper()}"]', f'"Value":["{OBJECT}"],"Key":"ObjectId"')
        .replace('"Key":"InvalidAttributeName","Value":["employeeHireDate"]}]',
                 '"Value":["employeeHireDate"],"Key":"InvalidAttributeName"')
    ),
    "line break in the JSON": whole().replace("employeeHireDate\"]}]", "employeeHireDate\n\"]}]"),
}  # fmt: skip


@pytest.mark.parametrize("text", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_every_spelling_says_the_same(text):
    found = read_sync_error(text)
    assert (found.code, found.object_id, found.attribute, found.tracking_id) == (
        "DataValidationFailed", OBJECT, "employeeHireDate", TRACKING,
    )  # fmt: skip
    assert "yyyyMMddHHmmss.fZ" in found.cause
    assert "lifecycle_date_invalid" in found.advice


def test_the_result_code_is_shown():
    assert read_sync_error(SPELLINGS["around it"]).result == "0x8023134a"


def test_an_attribute_that_is_none():
    found = read_sync_error(whole("None"))
    assert (found.code, found.object_id, found.attribute) == ("DataValidationFailed", OBJECT, None)
    assert "does not say of which" in found.cause


def test_the_block_names_what_the_sentence_does_not():
    assert read_sync_error(whole("None").replace('["None"]', '["userPrincipalName"]')).attribute == "userPrincipalName"


def test_without_the_block():
    found = read_sync_error(SENTENCE.format("proxyAddresses"))
    assert (found.object_id, found.attribute, found.tracking_id, found.details) == (None, "proxyAddresses", None, ())
    assert read_sync_error(f"Tracking Id: {TRACKING}").code is None


def test_a_duplicate():
    text = (
        "Unable to update this object because the following attributes associated with this object have values that "
        "may already be associated with another object: [UserPrincipalName jane@contoso.com;]. Correct the values.\n"
        f'Tracking Id: {TRACKING}\nExtraErrorDetails: [{{"Key":"ObjectId","Value":["{OBJECT}"]}},'
        f'{{"Key":"ObjectIdInConflict","Value":["{OTHER}"]}},{{"Key":"AttributeConflictName","Value":["UserPrincipalName"]}},'
        '{"Key":"AttributeConflictValues","Value":["jane@contoso.com"]}]'
    )
    found = read_sync_error(text)
    assert found[:5] == ("AttributeValueMustBeUnique", OBJECT, "UserPrincipalName", "jane@contoso.com", OTHER)
    found = read_sync_error(text.partition("Tracking")[0])
    assert (found.attribute, found.value) == ("UserPrincipalName", "jane@contoso.com")
    two = text.partition("Tracking")[0].replace("contoso.com;]", "contoso.com;ProxyAddresses SMTP:jane@contoso.com;]")
    assert (read_sync_error(two).attribute, read_sync_error(two).value) == ("UserPrincipalName", "jane@contoso.com")


def test_the_keys_of_the_block_tell_the_error():
    block = f"ExtraErrorDetails: {BLOCK.format(OBJECT, 'mail')}"
    assert read_sync_error(block).code == "DataValidationFailed"
    assert read_sync_error(block.replace("Invalid", "").replace("Name", "ConflictName")).code == (
        "AttributeValueMustBeUnique"
    )


@pytest.mark.parametrize("odd", ["None", "\x1b[31mevil", "jane@contoso.com", "b1d0b05b-d012-4be5-8259"])
def test_what_is_no_guid_is_no_object_id(odd):
    assert read_sync_error(f"ExtraErrorDetails: {BLOCK.format(odd, 'mail')}").object_id is None


@pytest.mark.parametrize(
    "name", ["InvalidSoftMatch", "ObjectTypeMismatch", "LargeObject", "FederatedDomainChangeError", "InvalidHardMatch"]
)
def test_known_names(name):
    found = read_sync_error(f"Error: {name.lower()}\n")
    assert found.code == name
    assert found.cause
    assert found.advice


@pytest.mark.parametrize("text", ["", " \n", "hello", "🦊" * 100, "[", "x" * 200_000, '[{"Key":"a"}]'])
def test_what_is_no_error(text):
    with pytest.raises(DecodeError, match="no export error"):
        read_sync_error(text)


@pytest.mark.parametrize(
    "block",
    [
        "[" * 50_000, '[{"Key":', "[1,2]", '[{"Key":1,"Value":{"a":[]}}]', '[{"Value":["x"]}]', "[]",
        '{"Key":"ObjectId"}',
        '[{"Key":"ObjectId","Value":null},{"Key":"ObjectId","Value":[]}]', '[{"Key":"ObjectId","Value":[null," "]}]',
    ],
)  # fmt: skip
def test_a_damaged_block_costs_the_block_alone(block):
    found = read_sync_error(f"{SENTENCE.format('mail')} ExtraErrorDetails: {block}")
    assert (found.attribute, found.object_id) == ("mail", None)


@given(st.text(max_size=200))
def test_no_text_is_too_odd(text):
    found = read_sync_error(f"{SENTENCE.format('mail')}\nExtraErrorDetails:{text}")
    assert found.code is not None  # another one where the text happens to name it
