"""Entries as rows: typed values, derived columns, and defects that are told and never guessed."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.decode.keys import EmployeeIdRules
from recon.objects import TABLES, Row
from recon.sources.ad import (
    computer_row,
    contact_row,
    domain_name,
    group_row,
    member_row,
    requested_attributes,
    table_of,
    user_row,
)

IDS = EmployeeIdRules()
GUID = bytes.fromhex("78563412bc9af0de1122334455667788")
GUID_TEXT = "12345678-9abc-def0-1122-334455667788"
SID = bytes.fromhex("010500000000000515000000D1D64379336F47EB77D1D6B32D760C00")
SID_TEXT = "S-1-5-21-2034489041-3947327283-3017199991-816685"
DN = "CN=Groß\\, Jürgen,OU=Sales\\, EMEA,DC=ad,DC=contoso,DC=example"


def entry(**values: bytes | list[bytes]) -> dict[str, list[bytes]]:
    """Attributes in lower case; underscores stand for hyphens."""
    found = {"objectguid": [GUID]}
    for name, value in values.items():
        found[name.replace("_", "-").lower()] = value if isinstance(value, list) else [value]
    return found


def column(row: Row, name: str) -> object:
    return row.values[TABLES[row.table].position[name]]


def defects(row: Row) -> set[tuple[object, ...]]:
    return {values for table, values in row.children if table == "ad_value_defect"}


def children(row: Row, table: str) -> list[tuple[object, ...]]:
    return [values for name, values in row.children if name == table]


def test_a_user_gets_typed_and_derived_columns():
    row = user_row(
        DN,
        entry(
            distinguishedName=DN.encode(),
            objectSid=SID,
            cn="Groß, Jürgen".encode(),
            sAMAccountName=b"JGross",
            userPrincipalName="JGroß@Contoso.Example".encode(),
            userAccountControl=b"514",
            msDS_User_Account_Control_Computed=b"16",
            pwdLastSet=b"133485408001234567",
            lastLogonTimestamp=b"0",
            accountExpires=b"9223372036854775807",
            lockoutTime=b"133485408000000000",
            whenCreated=b"20230212100000.0Z",
            employeeID=b"WD-000123",
            mail=b"J.Gross@Contoso.Example",
            manager=b"cn=Boss ,ou=People,DC=ad,DC=contoso,DC=example",
            isCriticalSystemObject=b"TRUE",
            uSNChanged=b"4294967296",
            extensionAttribute15="fünfzehn".encode(),
        ),
        EmployeeIdRules(strip_prefix=("wd-",), strip_leading_zeros=True),
    )
    expected = {
        "guid": GUID_TEXT,
        "objectguid": GUID,
        "distinguishedname": DN,
        "dn_key": "cn=gross\\, jürgen,ou=sales\\, emea,dc=ad,dc=contoso,dc=example",
        "ou_path": "OU=Sales\\, EMEA,DC=ad,DC=contoso,DC=example",
        "cn": "Groß, Jürgen",
        "objectsid": SID,
        "sid": SID_TEXT,
        "samaccountname": "JGross",
        "sam_key": "jgross",
        "userprincipalname": "JGroß@Contoso.Example",
        "upn_key": "jgross@contoso.example",
        "upn_suffix": "contoso.example",
        "useraccountcontrol": 514,
        "msdsuseraccountcontrolcomputed": 16,
        "is_enabled": 0,
        "pwdlastset": 133485408001234567,
        "pwd_last_set_at": "2024-01-01 00:00:00.123456",
        "pwd_last_set_day": 19723,
        "lastlogontimestamp": 0,
        "last_logon_at": None,
        "accountexpires": 9223372036854775807,
        "account_expires_at": None,
        "account_expires_day": None,
        "locked_out_at": "2024-01-01 00:00:00.000000",
        "whencreated": "2023-02-12 10:00:00.000000",
        "employeeid": "WD-000123",
        "employeeid_key": "123",
        "mail": "J.Gross@Contoso.Example",
        "mail_key": "j.gross@contoso.example",
        "manager_key": "cn=boss,ou=people,dc=ad,dc=contoso,dc=example",
        "iscriticalsystemobject": 1,
        "usnchanged": 4294967296,
        "extensionattribute15": "fünfzehn",
        "department": None,
        "guid_immutable_id": "eFY0Erya8N4RIjNEVWZ3iA==",
        "immutable_id": "eFY0Erya8N4RIjNEVWZ3iA==",
    }
    assert {name: column(row, name) for name in expected} == expected
    assert row.children == (("ad_value_defect", ("userprincipalname", 0, "bad_character", "JGroß@Contoso.Example")),)
    assert len(row.values) == len(TABLES["ad_user"].columns)


def test_the_anchor_is_the_consistency_guid_where_there_is_one():
    row = user_row(DN, entry(mS_DS_ConsistencyGuid=bytes(range(16))), IDS)
    assert column(row, "immutable_id") == "AAECAwQFBgcICQoLDA0ODw=="
    assert column(row, "guid_immutable_id") == "eFY0Erya8N4RIjNEVWZ3iA=="
    short = user_row(DN, entry(mS_DS_ConsistencyGuid=b"anchor"), IDS)
    assert column(short, "immutable_id") == "YW5jaG9y"


def test_an_impossible_anchor_is_no_anchor():
    row = user_row(DN, entry(mS_DS_ConsistencyGuid=bytes(17)), IDS)
    assert column(row, "immutable_id") is None
    assert column(row, "msdsconsistencyguid") is None
    assert defects(row) == {("msdsconsistencyguid", 0, "bad_guid", base64.b64encode(bytes(17)).decode())}


@pytest.mark.parametrize(
    ("control", "is_enabled"),
    [(b"512", 1), (b"514", 0), (b"544", 1), (b"546", 0), (b"66048", 1), (b"66050", 0), (b"262658", 0)],
)
def test_enabled_is_bit_two_of_user_account_control(control, is_enabled):
    assert column(user_row(DN, entry(userAccountControl=control), IDS), "is_enabled") == is_enabled


def test_enabled_is_unknown_without_user_account_control():
    assert column(user_row(DN, entry(), IDS), "is_enabled") is None


@pytest.mark.parametrize(
    ("attribute", "raw", "name", "defect", "shown"),
    [
        ("displayName", b"J\xfcrgen", "displayname", "not_utf8", "J\\xfcrgen"),
        ("displayName", b"a\0b", "displayname", "nul", "a\\x00b"),
        ("objectSid", SID[:-1], "objectsid", "bad_sid", None),
        ("userAccountControl", b"5l2", "useraccountcontrol", "not_a_number", "5l2"),
        ("userAccountControl", b"5_12", "useraccountcontrol", "not_a_number", "5_12"),
        ("userAccountControl", b" 512", "useraccountcontrol", "not_a_number", " 512"),
        ("userAccountControl", b"", "useraccountcontrol", "not_a_number", ""),
        ("userAccountControl", b"2147483648", "useraccountcontrol", "out_of_range", "2147483648"),
        ("userAccountControl", b"9" * 5000, "useraccountcontrol", "out_of_range", "9" * 1000),
        ("uSNChanged", b"9223372036854775808", "usnchanged", "out_of_range", "9223372036854775808"),
        ("isCriticalSystemObject", b"yes", "iscriticalsystemobject", "not_a_boolean", "yes"),
        ("whenCreated", b"20230230100000.0Z", "whencreated", "bad_time", "20230230100000.0Z"),
        ("whenCreated", "２０".encode(), "whencreated", "bad_time", "２０"),
    ],
)
def test_a_value_that_cannot_be_read_is_null_and_told(attribute, raw, name, defect, shown):
    row = user_row(DN, entry(**{attribute: raw}), IDS)
    assert column(row, name) is None
    (found,) = defects(row)
    assert found[:3] == (name, 0, defect)
    if shown is not None:
        assert found[3] == shown


def test_a_filetime_beyond_the_calendar_keeps_its_number_and_loses_its_time():
    row = user_row(DN, entry(pwdLastSet=b"9000000000000000000", lockoutTime=b"-1"), IDS)
    assert column(row, "pwdlastset") == 9000000000000000000
    assert column(row, "pwd_last_set_at") is None
    assert defects(row) == {
        ("pwdlastset", 0, "bad_time", "9000000000000000000"),
        ("lockouttime", 0, "bad_time", "-1"),
    }


def test_blanks_control_characters_and_length_are_defects_of_text_that_stays():
    row = user_row(
        DN,
        entry(
            department=b" Sales ",
            title=b"   ",
            company=b"a\x1b[31mb",
            c=b"CHE2",
            streetAddress=b"Road 1\r\nTown",
            employeeNumber=b"",
        ),
        IDS,
    )
    assert column(row, "department") == " Sales "
    assert column(row, "title") == "   "
    assert column(row, "company") == "a\x1b[31mb"
    assert column(row, "c") == "CHE2"
    assert column(row, "employeenumber") is None
    assert defects(row) == {
        ("department", 0, "blanks", " Sales "),
        ("title", 0, "blanks", "   "),
        ("company", 0, "control", "a\\x1b[31mb"),
        ("c", 0, "too_long", "CHE2"),
    }


def test_a_key_over_its_column_is_null_and_the_raw_text_stays():
    long = "a" * 257
    row = user_row(DN, entry(sAMAccountName=long.encode(), employeeID=("9" * 65).encode()), IDS)
    assert column(row, "samaccountname") == long
    assert column(row, "sam_key") is None
    assert column(row, "employeeid_key") is None
    assert {values[:3] for values in defects(row)} == {
        ("samaccountname", 0, "too_long"),
        ("employeeid", 0, "too_long"),
    }


def test_a_mail_address_is_checked():
    sound = user_row(DN, entry(mail=b"a.b@contoso.example"), IDS)
    assert defects(sound) == set()
    row = user_row(DN, entry(mail="zoë@contoso".encode()), IDS)
    assert column(row, "mail") == "zoë@contoso"
    assert defects(row) == {("mail", 0, "non_ascii", "zoë@contoso"), ("mail", 0, "bad_domain", "zoë@contoso")}


def test_proxy_addresses_are_children_in_one_order():
    values = [b"smtp:b@contoso.example", b"SMTP:A@contoso.example", b"x500:/o=Contoso/cn=a", b"sip:bad address"]
    rows = {user_row(DN, entry(proxyAddresses=order), IDS) for order in (values, values[::-1])}
    assert len(rows) == 1
    (row,) = rows
    assert children(row, "ad_user_proxyaddress") == [
        (0, "SMTP:A@contoso.example", "smtp:a@contoso.example", "SMTP", "A@contoso.example"),
        (1, "sip:bad address", "sip:bad address", "sip", "bad address"),
        (2, "smtp:b@contoso.example", "smtp:b@contoso.example", "smtp", "b@contoso.example"),
        (3, "x500:/o=Contoso/cn=a", "x500:/o=contoso/cn=a", "x500", "/o=Contoso/cn=a"),
    ]
    assert column(row, "smtp_primary") == "A@contoso.example"
    assert column(row, "smtp_primary_key") == "a@contoso.example"
    assert defects(row) == {("proxyaddresses", 1, "bad_character", "sip:bad address")}


def test_two_primary_addresses_are_none():
    row = user_row(DN, entry(proxyAddresses=[b"SMTP:a@contoso.example", b"SMTP:b@contoso.example"]), IDS)
    assert column(row, "smtp_primary") is None
    assert defects(row) == {("proxyaddresses", 0, "several_primary", "a@contoso.example, b@contoso.example")}


def test_a_bad_smtp_address_names_its_position():
    row = user_row(DN, entry(proxyAddresses=[b"smtp:a@@contoso.example", b"smtp:\xff"]), IDS)
    assert defects(row) == {
        ("proxyaddresses", 0, "several_ats", "smtp:a@@contoso.example"),
        ("proxyaddresses", 1, "not_utf8", "smtp:\\xff"),
    }
    assert [values[0] for values in children(row, "ad_user_proxyaddress")] == [0]


def test_sid_history_is_text():
    row = user_row(DN, entry(sIDHistory=[SID, b"\x01"]), IDS)
    assert children(row, "ad_user_sidhistory") == [(1, SID_TEXT, SID_TEXT.lower())]
    assert defects(row) == {("sidhistory", 0, "bad_sid", "\\x01")}


def test_the_sites_own_attributes_are_text_or_base64():
    extra = ("contoso-CostCenter", "jpegPhoto", "department")
    row = user_row(
        DN, entry(contoso_CostCenter=[b"2", b"10", b""], jpegPhoto=b"\xff\xd8", department=b"Sales"), IDS, extra
    )
    assert children(row, "ad_attribute") == [
        ("contosocostcenter", 1, "10"),
        ("contosocostcenter", 2, "2"),
        ("department", 0, "Sales"),
        ("jpegphoto", 0, "/9g="),
    ]
    assert column(row, "department") == "Sales"
    assert "jpegPhoto" in requested_attributes("ad_user", extra)
    assert requested_attributes("ad_user", extra).count("department") == 1


def test_several_values_of_a_single_column_are_told():
    row = user_row(DN, entry(description=[b"one", b"two"]), IDS)
    assert column(row, "description") == "one"
    assert defects(row) == {("description", 1, "several_values", "two")}


@pytest.mark.parametrize("guid", [[], [b""], [b"short"], [bytes(17)]])
def test_an_object_without_guid_is_rejected(guid):
    row = user_row(DN, {"objectguid": guid, "cn": [b"x"]}, IDS)
    assert row.table == "load_reject"
    assert row.values[:4] == ("ad_user", DN, None, "no_objectguid")


def test_the_entry_name_stands_in_for_a_missing_distinguished_name():
    assert column(user_row(DN, entry(), IDS), "distinguishedname") == DN


def test_a_group_and_its_members():
    row = group_row(
        "CN=G,DC=ad,DC=example",
        entry(groupType=b"-2147483646", mail=b"g@contoso.example", managedBy=b"CN=Boss,DC=ad,DC=example"),
        3,
    )
    assert column(row, "grouptype") == -2147483646
    assert column(row, "member_count") == 3
    assert column(row, "managedby_key") == "cn=boss,dc=ad,dc=example"
    assert column(group_row(DN, entry(groupType=b"2147483650"), 0), "grouptype") == -2147483646
    assert member_row(GUID_TEXT, "CN=Zoë,DC=Ad".encode()) == Row(
        "ad_member", (GUID_TEXT, "CN=Zoë,DC=Ad", "cn=zoë,dc=ad")
    )


@pytest.mark.parametrize(
    ("raw", "reason"),
    [(b"CN=\xff", "not_utf8"), (b"nobody", "bad_dn"), (b"CN=" + b"x" * 850, "too_long"), (b"", "bad_dn")],
)
def test_a_member_that_is_no_name_is_rejected(raw, reason):
    row = member_row(GUID_TEXT, raw)
    assert row.table == "load_reject"
    assert row.values[0] == "ad_member"
    assert row.values[3] == reason


def test_defects_of_other_objects_are_handed_to_the_caller():
    found: dict[tuple[str, int, str], bytes | str] = {}
    row = computer_row("CN=PC1,DC=ad", entry(dNSHostName=b"\xff", userAccountControl=b"4096"), found)
    assert column(row, "is_enabled") == 1
    assert row.children == ()
    assert found == {("dnshostname", 0, "not_utf8"): b"\xff"}
    contact = contact_row("CN=C,DC=ad", entry(mail=b"c@example.org", proxyAddresses=[b"SMTP:c@example.org"]))
    assert column(contact, "mail_key") == "c@example.org"
    assert children(contact, "ad_contact_proxyaddress") == [
        (0, "SMTP:c@example.org", "smtp:c@example.org", "SMTP", "c@example.org")
    ]


@pytest.mark.parametrize(
    ("attributes", "table"),
    [
        ({"samaccounttype": [b"805306368"], "objectclass": [b"user"]}, "ad_user"),
        ({"samaccounttype": [b"805306369"], "objectclass": [b"user", b"computer"]}, "ad_computer"),
        ({"samaccounttype": [b"805306370"], "objectclass": [b"user"]}, None),
        ({"samaccounttype": [b"268435456"], "objectclass": [b"top", b"Group"]}, "ad_group"),
        ({"objectclass": [b"top", b"contact"]}, "ad_contact"),
        ({"objectclass": [b"USER", b"computer"]}, "ad_computer"),
        ({"objectclass": [b"inetOrgPerson", b"user"]}, "ad_user"),
        ({"objectclass": [b"organizationalUnit"]}, None),
        ({}, None),
    ],
)
def test_the_kind_of_an_object(attributes, table):
    assert table_of(attributes) == table


def test_the_domain_of_a_name():
    assert domain_name("OU=Sales\\, DC=x,DC=Ad,dc=Contoso,DC=example") == "ad.contoso.example"
    assert domain_name("O=Contoso") is None
    assert domain_name("nonsense") is None


@given(
    st.dictionaries(
        st.sampled_from([name.lower() for name in requested_attributes("ad_user")]),
        st.lists(st.binary(max_size=40), max_size=3),
    )
)
def test_hostile_values_never_stop_a_load(attributes):
    row = user_row("CN=x,DC=ad", {**attributes, "objectguid": [GUID]}, IDS, ("mail", "jpegPhoto"))
    assert row.table == "ad_user"
    assert len(row.values) == len(TABLES["ad_user"].columns)
    assert "" not in row.values
    assert len(defects(row)) == len({values[:3] for values in defects(row)})
    for table, values in row.children:
        assert len(values) == len(TABLES[table].columns) - 1
        assert all("\0" not in value for value in values if isinstance(value, str))


def test_what_synchronization_would_refuse_is_told():
    row = user_row(
        DN,
        entry(
            userPrincipalName=b"a&b@corp.local",
            sAMAccountName=b"a/b",
            mailNickname=b"a b",
            targetAddress=b"SMTP:x@lan",
            mail=b"a@corp.local",
            proxyAddresses=[b"a@contoso.example", b"X500:/o=(x)", b"smtp:b@corp.local"],
        ),
        IDS,
    )
    assert column(row, "mailnickname_key") == "a b"
    assert column(row, "targetaddress_key") == "x@lan"
    assert defects(row) == {
        ("userprincipalname", 0, "bad_character", "a&b@corp.local"),
        ("userprincipalname", 0, "not_routable", "a&b@corp.local"),
        ("samaccountname", 0, "bad_character", "a/b"),
        ("mailnickname", 0, "bad_character", "a b"),
        ("targetaddress", 0, "bad_domain", "SMTP:x@lan"),
        ("mail", 0, "not_routable", "a@corp.local"),
        ("proxyaddresses", 1, "no_prefix", "a@contoso.example"),
        ("proxyaddresses", 2, "not_routable", "smtp:b@corp.local"),
    }


def test_defects_of_groups_and_contacts_have_tables_of_their_own():
    members = [b"SMTP:a@x.example", b"SMTP:b@x.example"]
    group = group_row(DN, entry(objectClass=[b"group"], sAMAccountType=b"268435456", proxyAddresses=members), 0)
    assert [child for child in group.children if child[0].endswith("defect")] == [
        ("ad_group_value_defect", ("proxyaddresses", 0, "several_primary", "a@x.example, b@x.example"))
    ]
    contact = contact_row(DN, entry(objectClass=[b"contact"], targetAddress=b"x400:c=DE;a= ", mailNickname=b"a."))
    place = TABLES["ad_contact"].position["targetaddress_key"]
    assert contact.values[place] == "x400:c=de;a="
    assert contact.children == (
        ("ad_contact_value_defect", ("mailnickname", 0, "bad_period", "a.")),
        ("ad_contact_value_defect", ("targetaddress", 0, "blanks", "x400:c=DE;a= ")),
    )
