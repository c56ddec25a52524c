"""The right to see deleted objects, which an ordinary account does not have ([MS-ADTS] 3.1.1.3.4.1.14, 6.1.1.4.2)."""

import ldap3

from recon.errors import AccessError, SourceError
from recon.sources.ldap.exchange import SHOW_DELETED
from recon.sources.ldap.session import Session

GRANT = (
    'let the account list deleted objects: dsacls "CN=Deleted Objects,{base}" /takeownership, then '
    'dsacls "CN=Deleted Objects,{base}" /G DOMAIN\\ACCOUNT:LCRP'
)


def reads_deleted(session: Session, naming_context: str) -> bool:
    """May this account list deleted objects? Its container answers with its attributes only to who may read it."""
    base = f"CN=Deleted Objects,{naming_context}"
    try:
        answer = session.search(base, ldap3.BASE, "(objectClass=*)", ["objectGUID"], controls=(SHOW_DELETED,))
    except AccessError:
        return False
    except SourceError as error:
        if "no such base" in str(error):
            return False
        raise
    return any(values.get("objectguid") for _, values in answer.entries)
