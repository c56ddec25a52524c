"""Graph JSON to rows: exact values, near misses, hostile input."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.decode.keys import EmployeeIdRules
from recon.objects import TABLES
from recon.sources.entra_rows import (
    GROUP_PROPERTIES,
    USER_PROPERTIES,
    GroupRows,
    UserRows,
    member_row,
)

ID = "AAAAAAAA-0000-4000-8000-00000000000a"
EMPTY = dict.fromkeys(USER_PROPERTIES) | {
    name: []
    for name in USER_PROPERTIES
    if name
    in (
        "otherMails",
        "proxyAddresses",
        "businessPhones",
        "imAddresses",
        "identities",
        "assignedLicenses",
        "onPremisesProvisioningErrors",
    )
}


PLAIN = EmployeeIdRules()


def read(item, rules=PLAIN):
    row = UserRows(rules).row({"id": ID} | item)
    assert row.table == "entra_user"
    values = dict(zip(TABLES["entra_user"].position, row.values, strict=True))
    return {name: value for name, value in values.items() if value is not None}, list(row.children)


def defects(item):
    return [values for table, values in read(item)[1] if table == "entra_value_defect"]


def test_every_column_has_its_property():
    assert len(USER_PROPERTIES) == len(set(USER_PROPERTIES)) == 58
    assert "signInActivity" not in USER_PROPERTIES
    assert len(",".join(USER_PROPERTIES)) < 1_400  # a URL has 2,048 characters
    assert {"groupTypes", "proxyAddresses", "onPremisesNetBiosName"} < set(GROUP_PROPERTIES)


def test_a_full_user():
    values, children = read(
        {
            "userPrincipalName": "Jürgen.Groß@Contoso.example",
            "displayName": "Jürgen Groß",
            "userType": "Member",
            "accountEnabled": True,
            "employeeId": "WD-000123",
            "employeeHireDate": "2024-02-29T00:00:00Z",
            "employeeOrgData": {"division": "EMEA", "costCenter": "4711"},
            "mail": "Juergen.Gross@contoso.example",
            "otherMails": ["Jane.Doe@Example.net"],
            "usageLocation": "CH",
            "createdDateTime": "2026-01-02T03:04:05.1234567Z",
            "onPremisesSyncEnabled": True,
            "onPremisesImmutableId": "AbC=",
            "onPremisesSecurityIdentifier": "s-1-5-21-1-2-3-1104",
            "onPremisesSamAccountName": "JGross",
            "onPremisesDistinguishedName": "CN=Groß\\, J., OU=Zürich,DC=contoso,DC=example",
            "onPremisesExtensionAttributes": {"extensionAttribute1": "a", "extensionAttribute15": ""},
            "proxyAddresses": ["smtp:jg@contoso.example", "SMTP:Juergen.Gross@contoso.example", "EUM:1;phone"],
            "businessPhones": ["+41 44 000 00 00"],
            "imAddresses": ["JG@contoso.example"],
            "identities": [{"signInType": "userPrincipalName", "issuer": "contoso.example", "issuerAssignedId": "x"}],
            "assignedLicenses": [{"skuId": "ABCDEF00-0000-4000-8000-000000000001", "disabledPlans": []}],
            "onPremisesProvisioningErrors": [
                {
                    "category": "PropertyConflict",
                    "propertyCausingError": "ProxyAddresses",
                    "value": "SMTP:x@contoso.example",
                    "occurredDateTime": "2026-01-02T03:04:05Z",
                }
            ],
        },
        EmployeeIdRules(strip_prefix=("WD-",), strip_leading_zeros=True),
    )
    assert values == {
        "id": ID.lower(),
        "userprincipalname": "Jürgen.Groß@Contoso.example",
        "upn_key": "jürgen.gross@contoso.example",
        "upn_suffix": "contoso.example",
        "displayname": "Jürgen Groß",
        "usertype": "Member",
        "is_guest": 0,
        "accountenabled": 1,
        "is_enabled": 1,
        "employeeid": "WD-000123",
        "employeeid_key": "123",
        "employeehiredate": "2024-02-29 00:00:00.000000",
        "employeeorgdata_division": "EMEA",
        "employeeorgdata_costcenter": "4711",
        "mail": "Juergen.Gross@contoso.example",
        "mail_key": "juergen.gross@contoso.example",
        "smtp_primary": "Juergen.Gross@contoso.example",
        "smtp_primary_key": "juergen.gross@contoso.example",
        "othermails_count": 1,
        "usagelocation": "CH",
        "usagelocation_known": 1,
        "createddatetime": "2026-01-02 03:04:05.123456",
        "created_day": 20455,
        "onpremisessyncenabled": 1,
        "is_synced": 1,
        "onpremisesimmutableid": "AbC=",
        "onpremisessecurityidentifier": "s-1-5-21-1-2-3-1104",
        "sid": "S-1-5-21-1-2-3-1104",
        "onpremisessamaccountname": "JGross",
        "sam_key": "jgross",
        "onpremisesdistinguishedname": "CN=Groß\\, J., OU=Zürich,DC=contoso,DC=example",
        "onpremises_dn_key": "cn=gross\\, j.,ou=zürich,dc=contoso,dc=example",
        "extensionattribute1": "a",
    }
    assert children == [
        ("entra_user_othermail", (0, "Jane.Doe@Example.net", "jane.doe@example.net", "J***@E***.net")),
        (
            "entra_user_proxyaddress",
            (0, "smtp:jg@contoso.example", "smtp:jg@contoso.example", "smtp", "jg@contoso.example"),
        ),
        (
            "entra_user_proxyaddress",
            (
                1,
                "SMTP:Juergen.Gross@contoso.example",
                "smtp:juergen.gross@contoso.example",
                "SMTP",
                "Juergen.Gross@contoso.example",
            ),
        ),
        ("entra_user_proxyaddress", (2, "EUM:1;phone", "eum:1;phone", "EUM", "1;phone")),
        ("entra_user_businessphone", (0, "+41 44 000 00 00", "+41 44 000 00 00")),
        ("entra_user_imaddress", (0, "JG@contoso.example", "jg@contoso.example")),
        ("entra_user_identity", (0, "userPrincipalName", "contoso.example", "x")),
        ("entra_user_license", (0, "abcdef00-0000-4000-8000-000000000001")),
        (
            "entra_user_provisioningerror",
            (0, "PropertyConflict", "ProxyAddresses", "SMTP:x@contoso.example", "2026-01-02 03:04:05.000000"),
        ),
    ]


def test_empty_is_not_absent():
    empty, children = read(EMPTY | {"id": ID, "userPrincipalName": ""})
    assert children == []
    assert empty == {
        "id": ID.lower(),
        "is_guest": 0,
        "othermails_count": 0,
        "usagelocation_known": 1,
        "is_synced": 0,
    }
    assert read({})[0] == {"id": ID.lower(), "usagelocation_known": 0}


@pytest.mark.parametrize(
    ("value", "raw", "synced"), [(True, 1, 1), (False, 0, 0), (None, None, 0)], ids=["now", "once", "never"]
)
def test_sync_has_three_states(value, raw, synced):
    values, _ = read({"onPremisesSyncEnabled": value})
    assert (values.get("onpremisessyncenabled"), values["is_synced"]) == (raw, synced)


@pytest.mark.parametrize(("kind", "guest"), [("Guest", 1), ("guest", 1), ("Member", 0), ("unknownFutureValue", 0)])
def test_guests_whatever_the_case(kind, guest):
    assert read({"userType": kind})[0]["is_guest"] == guest


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"accountEnabled": "true"}, ("accountenabled", 0, "not_true_or_false", "true")),
        ({"accountEnabled": 1}, ("accountenabled", 0, "not_true_or_false", "1")),
        ({"displayName": 5}, ("displayname", 0, "not_text", "5")),
        ({"createdDateTime": "2026-02-30T00:00:00Z"}, ("createddatetime", 0, "bad_time", "2026-02-30T00:00:00Z")),
        ({"createdDateTime": "2026-02-03T00:00:00"}, ("createddatetime", 0, "bad_time", "2026-02-03T00:00:00")),
        ({"createdDateTime": 7}, ("createddatetime", 0, "bad_time", "7")),
        ({"usageLocation": "UK"}, ("usagelocation", 0, "unknown_country", "UK")),
        ({"usageLocation": "f\u0131"}, ("usagelocation", 0, "unknown_country", "f\u0131")),
        ({"usageLocation": "ß"}, ("usagelocation", 0, "unknown_country", "ß")),
        ({"usageLocation": "\u212aE"}, ("usagelocation", 0, "unknown_country", "\u212aE")),
        ({"onPremisesSecurityIdentifier": "S-1-5-x"}, ("onpremisessecurityidentifier", 0, "bad_sid", "S-1-5-x")),
        ({"otherMails": "a@example.net"}, ("othermails", 0, "not_a_list", "***@e***.net")),
        ({"otherMails": [None]}, ("othermails", 0, "not_text", None)),
        ({"otherMails": [""]}, ("othermails", 0, "empty", None)),
        ({"otherMails": ["a@example.net", " jane@example.net"]}, ("othermails", 1, "blanks", " j***@e***.net")),
        ({"otherMails": ["jane doe@example.net"]}, ("othermails", 0, "blanks", "j***@e***.net")),
        ({"otherMails": ["jane @example.net"]}, ("othermails", 0, "blanks", "j***@e***.net")),
        ({"otherMails": ["jörg@example.net"]}, ("othermails", 0, "non_ascii", "j***@e***.net")),
        ({"otherMails": ["jane.doe"]}, ("othermails", 0, "no_at", "j***")),
        ({"mobilePhone": 49}, ("mobilephone", 0, "not_text", None)),
        ({"proxyAddresses": [5]}, ("proxyaddresses", 0, "not_text", "5")),
        ({"identities": ["x"]}, ("identities", 0, "not_an_object", "x")),
        ({"employeeOrgData": []}, ("employeeorgdata", 0, "not_an_object", "[]")),
        ({"onPremisesExtensionAttributes": {"extensionAttribute3": 1}}, ("extensionattribute3", 0, "not_text", "1")),
        (
            {"onPremisesProvisioningErrors": [{"occurredDateTime": "x"}]},
            ("onpremisesprovisioningerrors_occurreddatetime", 0, "bad_time", "x"),
        ),
    ],
)
def test_a_value_that_does_not_fit_is_a_defect(item, expected):
    assert defects(item) == [expected]


def test_a_country_code_may_be_in_any_case():
    assert defects({"usageLocation": "dE"}) == []


def test_a_text_that_is_too_long_is_cut_and_said():
    values, _ = read({"department": "x" * 65, "city": "y" * 128})
    assert values["department"] == "x" * 64
    assert values["city"] == "y" * 128
    assert defects({"department": "x" * 65}) == [("department", 0, "too_long", "x" * 65)]


def test_long_is_counted_as_sql_server_does():
    assert read({"department": "😀" * 33})[0]["department"] == "😀" * 32
    assert defects({"department": "😀" * 32}) == []


def test_an_anchor_is_never_cut():
    values, _ = read({"onPremisesImmutableId": "A" * 129})
    assert "onpremisesimmutableid" not in values
    assert defects({"onPremisesImmutableId": "A" * 129})[0][:3] == ("onpremisesimmutableid", 0, "too_long")


def test_one_defect_a_value_and_kind():
    item = {"assignedLicenses": [{"skuId": 1}, {"skuId": 2}]}
    assert len(defects(item)) == 1


def test_values_that_count_as_there_may_not_be_overwritten():
    assert read({"otherMails": [5, ""]})[0]["othermails_count"] == 2
    assert "othermails_count" not in read({"otherMails": "x"})[0]


@pytest.mark.parametrize("item", [None, [], "x", {}, {"id": None}, {"id": ""}, {"id": 5}, {"id": "x" * 37}])
def test_what_has_no_id_is_rejected(item):
    row = UserRows(EmployeeIdRules()).row(item, 7)
    assert row.table == "load_reject"
    assert row.values == ("entra_user", None, 7, "no_id", "a user without a usable id")


def test_a_group():
    row = GroupRows().row(
        {
            "id": ID,
            "displayName": "Alle Mitarbeiter",
            "mailEnabled": False,
            "securityEnabled": True,
            "groupTypes": ["unified", "DynamicMembership", "x"],
            "proxyAddresses": ["SMTP:alle@contoso.example"],
            "onPremisesSyncEnabled": None,
        },
        3,
    )
    values = dict(zip(TABLES["entra_group"].position, row.values, strict=True))
    assert {name: value for name, value in values.items() if value is not None} == {
        "id": ID.lower(),
        "displayname": "Alle Mitarbeiter",
        "name_key": "alle mitarbeiter",
        "mailenabled": 0,
        "securityenabled": 1,
        "is_unified": 1,
        "is_dynamic": 1,
        "is_synced": 0,
        "member_count": 3,
    }
    assert [table for table, _ in row.children] == ["entra_group_proxyaddress"]
    assert GroupRows().row({"id": ID}, None).values[TABLES["entra_group"].position["member_count"]] is None


@pytest.mark.parametrize(
    ("kind", "name"),
    [("#microsoft.graph.user", "user"), ("#other.thing", "other.thing"), (None, None), (5, None), ("", None)],
)
def test_a_member_keeps_its_type(kind, name):
    assert member_row("g", {"id": ID, "@odata.type": kind}).values == ("g", ID.lower(), name)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(USER_PROPERTIES), JSON))
def test_no_value_makes_a_load_fail(item):
    row = UserRows(EmployeeIdRules()).row({**item, "id": ID})
    table = TABLES["entra_user"]
    for column, value in zip(table.columns, row.values, strict=True):
        assert value != ""
        assert value is None or type(value) is (int if column.type in ("flag", "int", "day") else str)
        if isinstance(value, str) and column.size:
            assert len(value.encode("utf-16-le")) <= 2 * column.size
    keys = [(name, values[: len(TABLES[name].key) - 1]) for name, values in row.children]
    assert len(keys) == len(set(keys))
    for name, values in row.children:
        assert len(values) == len(TABLES[name].columns) - 1
        assert "" not in values
