"""The commented recon.toml that `recon init` writes. It holds as it stands, once the addresses are yours."""

TEMPLATE = """\
# recon.toml: what to load, from where. Paths are relative to this file. No secrets in here:
# passwords come from environment variables, a keyring, or an env_file that only you can read.
# Every key: docs/configuration.md. Check it with: recon doctor

# env_file = ".secrets.env"            # lines NAME=value, mode 0600

[database]
url = "sqlite:///recon.db"             # or postgresql+psycopg://user@host/db, mssql+pyodbc://...

# ---- Active Directory: repeat [[ad]] for each domain ------------------------------------------------
[[ad]]
name = "ad"
url = "{ad_url}"          # ldap:// uses StartTLS, ldaps:// is fine too; certificates are verified
# url = ["ldaps://dc1.contoso.example", "ldaps://dc2.contoso.example"]   # the next where one cannot be reached
user = "{ad_user}"            # DN, user@domain or DOMAIN\\\\user; an ordinary user may read all we need
password_env = "RECON_AD_PASSWORD"     # export RECON_AD_PASSWORD=...
# keyring = "recon"                    # or: the password of `user` from this keyring service
# ca_file = "corp-ca.pem"              # the CA of your domain controllers, when the system does not know it
# bases = ["OU=People,DC=contoso,DC=example"]   # default: the whole domain
# attributes = ["division", "roomNumber"]       # further attributes of users, to table ad_attribute
# ldif = "export.ldif"                 # instead of url: an export, where no connection is allowed

# ---- Entra ID: least permission for reading is User.Read.All + Group.Read.All (docs/permissions.md) --
[[entra]]
name = "entra"
tenant_id = "{tenant_id}"
client_id = "00000000-0000-0000-0000-000000000000"
credential = "certificate"             # certificate | secret | managed_identity | workload_identity | device_code
certificate_file = "recon.pem"
# secret_env = "RECON_ENTRA_SECRET"    # for credential = "secret"
# cloud = "usgov"                      # global | usgov | dod | china
# ndjson = "entra-export"              # instead: files that `recon load entra --save` wrote elsewhere

# ---- HR -----------------------------------------------------------------------------------------------
[[workers]]
name = "hr"
file = "{workers}"                 # CSV; usual Workday headers are known
# url = "https://host/ccx/service/customreport2/tenant/owner/report?format=json"   # or RaaS
# columns = {{ worker_id = "Personalnummer", personal_mail = "Private E-Mail" }}

# ---- MIM, FIM or Entra Connect sync: which groups hold its roles, from its own database ------------------
# [mim]
# url = "mssql+pyodbc://svc-recon@sql1/FIMSynchronizationService?driver=ODBC+Driver+18+for+SQL+Server"

# How employee ids become comparable. Nothing is stripped unless you say so.
# [employee_id]
# strip_prefix = ["WD-"]
# strip_leading_zeros = true

# ---- Findings: about 25 run by default; the rest by family or code (docs/findings.md) -------------------
# [findings]
# families = ["idfix", "certificates"]   # or ["all"]
# codes = ["mail_differs"]
# off = ["usagelocation_missing"]

# ---- Synchronization: AD attributes that hold hire and leave dates (yyyyMMddHHmmss.fZ) ---------------
# [sync]
# hire_attribute = "msDS-cloudExtensionAttribute1"
# leave_attribute = "msDS-cloudExtensionAttribute2"

# ---- Who may be written: without a scope, backfill refuses (no filter would mean everybody) -----------
# [scope.hybrid]
# groups = ['worker_type EQUALS "Employee" AND company MEMBER_OF ("Contoso Corp", "Contoso LLC")']

# [backfill]
# scope = "hybrid"
# source = "worker.personal_mail"      # or an AD attribute: "ad_user.extensionattribute1"
# company_domains = ["contoso.example"]
# denied_groups = ["Backfill deny list"]
"""


def render(
    ad_url: str = "ldap://dc1.contoso.example",
    ad_user: str = "svc-recon@contoso.example",
    tenant_id: str = "00000000-0000-0000-0000-000000000000",
    workers: str = "workers.csv",
) -> str:
    """The file with these addresses put in."""

    def quoted(text: str) -> str:
        return text.replace("\\", "\\\\").replace('"', '\\"')

    return TEMPLATE.format(
        ad_url=quoted(ad_url), ad_user=quoted(ad_user), tenant_id=quoted(tenant_id), workers=quoted(workers)
    )
