"""What a finding's row must call its object, said naively: the name that its own side knows it by."""

from recon.decode.guid import guid_text
from tests.support.companies import MadeCompany, text_of, value

_NAMES = {
    "ad_user": ("userPrincipalName", "sAMAccountName", "cn"),
    "ad_computer": ("dNSHostName", "sAMAccountName", "cn"),
    "ad_contact": ("displayName", "cn"),
    "ad_group": ("sAMAccountName", "cn"),
}


def names(company: MadeCompany) -> dict[tuple[str, str], str | None]:
    """(object type, key) to the name that it is called by. Objects that are gone, roles and runs are left out."""
    found: dict[tuple[str, str], str | None] = {}
    for table, ways in _NAMES.items():
        for _, raw in company.ad[table]:
            key = table, guid_text(raw["objectguid"][0])
            found[key] = next(filter(None, (value(raw, one) for one in ways)), None)
    for user in company.entra_users:
        found["entra_user", user["id"]] = text_of(user, "userPrincipalName") or text_of(user, "displayName")
    for group in company.entra_groups:
        found["entra_group", group["id"].lower()] = text_of(group, "displayName")
    for worker in company.workers:
        found["worker", worker["WorkerID"]] = worker["FullName"].strip() or None
    return found
