"""Attributes that change without the object being written: no increment can know them.

Back links (memberOf), constructed ones (tokenGroups), what is not replicated (lastLogon) and names of other objects,
which follow a rename ([MS-ADTS] 3.1.1.2.3, 3.1.1.4.5). The schema tells; where it cannot be read, the usual names do.
"""

from recon.errors import RestartError, SignInError, SourceError, TransientError
from recon.sources.ldap.dirsync import escaped
from recon.sources.ldap.exchange import integer
from recon.sources.ldap.rootdse import RootDse
from recon.sources.ldap.search import Searcher

_USUAL = frozenset({
    "memberof", "directreports", "managedobjects", "ismemberofdl", "tokengroups", "tokengroupsglobalanduniversal",
    "canonicalname", "lastlogon", "lastlogoff", "logoncount", "badpwdcount", "badpasswordtime", "msds-resultantpso",
    "msds-userpasswordexpirytimecomputed", "msds-principalname", "modifytimestamp", "secretary", "assistant",
})  # fmt: skip
_NAMES = frozenset({"2.5.5.1", "2.5.5.7", "2.5.5.14"})  # syntaxes that hold a distinguished name
_NOT_REPLICATED, _CONSTRUCTED = 0x1, 0x4  # systemFlags ([MS-ADTS] 2.2.10)


def untracked_attributes(searcher: Searcher, root: RootDse, wanted: tuple[str, ...]) -> str:
    """A sentence that names those among `wanted`; '' when there are none."""
    if not wanted:
        return ""
    found = {name for name in wanted if name.lower() in _USUAL}
    try:
        found |= _by_schema(searcher, root, wanted)
    except (RestartError, TransientError, SignInError):  # a refused bind would be repeated by the next search
        raise
    except SourceError:
        pass  # not readable: the usual names have been found
    if not found:
        return ""
    return f"[ad] attributes names {', '.join(sorted(found))}, which can change without a sign at the object"


def _by_schema(searcher: Searcher, root: RootDse, wanted: tuple[str, ...]) -> set[str]:
    if root.schema is None:
        return set()
    items = "".join(f"(lDAPDisplayName={escaped(name.encode())})" for name in wanted)
    asked = ["lDAPDisplayName", "linkID", "systemFlags", "attributeSyntax"]
    found = set()
    for page in searcher.pages(root.schema, f"(&(objectClass=attributeSchema)(|{items}))", asked, 1000):
        for entry in page:
            values = {name: raw[0].decode("ascii", "replace") for name, raw in entry.attributes.items() if raw}
            flags, link = integer(values.get("systemflags", "0")), integer(values.get("linkid", "0"))
            is_tracked = (
                flags is not None
                and link is not None
                and not flags & (_NOT_REPLICATED | _CONSTRUCTED)
                and not link & 1  # of a back link
                and values.get("attributesyntax") not in _NAMES
            )
            if not is_tracked:  # what cannot be read may be anything
                found.add(values.get("ldapdisplayname", ""))
    return found
