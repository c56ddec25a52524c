"""The second day of a lab: what changed in the company since the first load, done to its running servers.

Some findings compare with an earlier load: they are there once both days are loaded (Company.planted_rows, next_day).
For one writer at a time, between the loads.
"""

from hashlib import blake2b

from recon.decode.guid import immutable_id
from recon.lab.adchanges import Changes
from recon.lab.group_defects import gone
from recon.lab.rendering import account_dn
from recon.lab.up import Lab


def pass_day(lab: Lab) -> None:
    """Let the second day begin. To be called once: what is gone cannot go again."""
    company = lab.company
    changes = [Changes(server.directory) for server in lab.ad]
    for person in company.people():
        if person.defect != "anchor_changed":
            continue
        account, user = person.ad[0], person.entra[0]
        other = blake2b(account.guid + b"second day", digest_size=16).digest()
        dn = account_dn(account, company.domains[account.domain])
        changes[account.domain].modify(dn, {"mS-DS-ConsistencyGuid": [other]})
        lab.graph.change_user(
            company.tenants[user.tenant].tenant_id, user.id, onPremisesImmutableId=immutable_id(other)
        )
    for place, tenant in enumerate(company.tenants):
        purged, lost = gone(place)
        lab.graph.purge(tenant.tenant_id, purged)
        lab.graph.delete_group(tenant.tenant_id, company.group(lost).id)
