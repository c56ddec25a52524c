"""Which columns and child tables a delta item says nothing about, so that nothing in the database is blanked by it.

Delta leaves out what was never set and sends null for what was cleared [users delta]. A column that is derived from
a property is absent with it. Defects are those of all properties of an object: they are absent only where the item
holds no property at all.
"""

from collections.abc import Collection, Mapping
from typing import Any

from recon import objects

# property: the columns derived from it, and the tables that hold its values
_DERIVED: dict[str, dict[str, tuple[str, ...]]] = {
    "entra_user": {
        "userPrincipalName": ("upn_key", "upn_suffix"),
        "userType": ("is_guest",),
        "accountEnabled": ("is_enabled",),
        "employeeId": ("employeeid_key",),
        "mail": ("mail_key",),
        "proxyAddresses": ("smtp_primary", "smtp_primary_key", "entra_user_proxyaddress"),
        "otherMails": ("othermails_count", "entra_user_othermail"),
        "usageLocation": ("usagelocation_known",),
        "createdDateTime": ("created_day",),
        "onPremisesSyncEnabled": ("is_synced",),
        "onPremisesSecurityIdentifier": ("sid",),
        "onPremisesSamAccountName": ("sam_key",),
        "onPremisesDistinguishedName": ("onpremises_dn_key",),
        "onPremisesUserPrincipalName": ("onpremises_upn_key",),
        "businessPhones": ("entra_user_businessphone",),
        "imAddresses": ("entra_user_imaddress",),
        "identities": ("entra_user_identity",),
        "assignedLicenses": ("entra_user_license",),
        "onPremisesProvisioningErrors": ("entra_user_provisioningerror",),
    },
    "entra_group": {
        "displayName": ("name_key",),
        "mail": ("mail_key",),
        "groupTypes": ("is_unified", "is_dynamic"),
        "proxyAddresses": ("entra_group_proxyaddress",),
        "onPremisesSyncEnabled": ("is_synced",),
        "onPremisesSecurityIdentifier": ("sid",),
        "onPremisesSamAccountName": ("sam_key",),
    },
}
_DEFECTS = "entra_value_defect"


class Absent:
    """What the items of one delta round leave out. `readable`: the properties that the tenant gives us at all."""

    def __init__(self, table: str, wanted: Collection[str], readable: Collection[str]) -> None:
        self._names: dict[str, frozenset[str]] = {name: frozenset() for name in wanted if name != "id"}
        for column in objects.TABLES[table].columns:
            name = (column.attribute or "").partition(".")[0]
            if name in self._names:
                self._names[name] |= {column.name}
        for name, derived in _DERIVED[table].items():
            if name in self._names:
                self._names[name] |= set(derived)
        self._defects = frozenset({_DEFECTS} if objects.TABLES[_DEFECTS].parent == table else ())
        self._nothing = dict.fromkeys(name for name in self._names if name in readable)

    def of(self, item: Mapping[str, Any]) -> frozenset[str]:
        """The columns and child tables that the item says nothing about."""
        missing = [names for name, names in self._names.items() if name not in item]
        found = frozenset().union(*missing)
        return found | self._defects if len(missing) == len(self._names) else found

    def completed(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """The item as a listing would give it: null for what is left out, which is what a new object never had set."""
        return {**self._nothing, **item}
