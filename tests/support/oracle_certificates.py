"""What must be found about certificates and their mappings, said naively: whole rows by code, of one made company."""

from collections.abc import Callable, Iterator

from recon.decode.guid import guid_text
from recon.decode.sid import sid_text
from tests.support.companies import MadeCompany, number
from tests.support.company_sync import SAYS, Said

Raw = dict[str, list[bytes]]
Found = set[tuple[str | None, ...]]
_TAGS = {"I S": "weak", "S": "weak", "RFC822": "weak", "I SR": "strong", "SKI": "strong", "SHA1-PUKEY": "strong"}


def _parts(mapping: str) -> list[tuple[str, str]] | None:
    """Tags and what stands behind each; None for what does not begin with X509:."""
    if mapping[:5].upper() != "X509:":
        return None
    before, *rest = mapping[5:].split("<")
    parts = [one.partition(">")[::2] for one in rest]
    return [("", before)] if before else [(tag.upper(), said.strip()) for tag, said in parts]


def strength(mapping: str) -> str:
    """weak, strong, malformed or other."""
    parts = _parts(mapping)
    if parts is None:
        return "other"
    found = _TAGS.get(" ".join(tag for tag, _ in parts))
    for tag, said in parts:
        if tag in ("SR", "SKI", "SHA1-PUKEY"):
            is_hex = len(said) % 2 == 0 and all(one in "0123456789abcdefABCDEF" for one in said)
            found = found if is_hex and (tag != "SHA1-PUKEY" or len(said) == 40) else None
        found = found if said else None
    return found or "malformed"


def _accounts(company: MadeCompany) -> Iterator[tuple[str, str, Raw, list[str]]]:
    for table in ("ad_user", "ad_computer"):
        for _, raw in company.ad[table]:
            mappings = [one.decode() for one in raw.get("altsecurityidentities", ())]
            yield table, guid_text(raw["objectguid"][0]), raw, mappings


def _row(table: str, guid: str, said: str) -> tuple[str | None, ...]:
    return table, guid, "altSecurityIdentities", None, said, None


def _turned_round(mapping: str) -> str | None:
    """A strong mapping whose issuer does not begin with its root, as it must be; None for every other."""
    if strength(mapping) != "strong" or not mapping[5:].upper().startswith("<I>"):
        return None
    (_, issuer), (_, serial) = _parts(mapping) or ()
    names = issuer.split(",")
    kinds = [one.partition("=")[0].upper() for one in names]
    if len(names) > 1 and kinds[0] not in ("DC", "C") and kinds[-1] in ("DC", "C", "O"):
        return f"X509:<I>{','.join(names[::-1])}<SR>{serial}"
    return None


def _is_safe(mappings: list[str]) -> bool:
    """A strong mapping maps somebody."""
    return any(strength(one) == "strong" and _turned_round(one) is None for one in mappings)


def certificate_issuer_order(company: MadeCompany) -> Found:
    return {
        _row(table, guid, right)
        for table, guid, _, mappings in _accounts(company)
        for one in mappings
        if (right := _turned_round(one)) is not None
    }


def _weak_only(*, privileged: bool) -> Callable[[MadeCompany], Found]:
    """Of accounts that are not disabled; privileged: adminCount, or a domain controller."""

    def oracle(company: MadeCompany) -> Found:
        return {
            _row(table, guid, one)
            for table, guid, raw, mappings in _accounts(company)
            for one in mappings
            if strength(one) == "weak" and not _is_safe(mappings)
            if not (flags := number(raw, "userAccountControl") or 0) & 2
            if (number(raw, "adminCount") == 1 or (table == "ad_computer" and bool(flags & 8192))) is privileged
        }

    return oracle


def certificate_mapping_malformed(company: MadeCompany) -> Found:
    return {
        _row(table, guid, one)
        for table, guid, _, mappings in _accounts(company)
        for one in mappings
        if strength(one) == "malformed"
    }


def certificate_weak_beside_strong(company: MadeCompany) -> Found:
    return {
        _row(table, guid, one)
        for table, guid, _, mappings in _accounts(company)
        for one in mappings
        if strength(one) == "weak" and _is_safe(mappings)
    }


def _published(raw: Raw) -> list[Said]:
    """What the certificates say that have not expired; bytes that are none say nothing."""
    held = [SAYS[one] for one in raw.get("usercertificate", ()) if one in SAYS]
    return [said for said in held if said.is_valid]


def certificate_sid_differs(company: MadeCompany) -> Found:
    found: Found = set()
    for table, guid, raw, _ in _accounts(company):
        own = sid_text(raw["objectsid"][0]) if "objectsid" in raw else None
        found |= {
            (table, guid, "userCertificate", None, said.sid, None)
            for said in _published(raw)
            if own is not None and said.sid not in (None, own)
        }
    return found


def certificate_strong_form_known(company: MadeCompany) -> Found:
    return {
        _row(table, guid, said.strong)
        for table, guid, raw, mappings in _accounts(company)
        if not (number(raw, "userAccountControl") or 0) & 2
        and "weak" in map(strength, mappings)
        and not _is_safe(mappings)
        for said in _published(raw)
        if said.sid is None
    }


ORACLES: dict[str, Callable[[MadeCompany], Found]] = {
    "certificate_issuer_order": certificate_issuer_order,
    "certificate_mapping_malformed": certificate_mapping_malformed,
    "certificate_weak_beside_strong": certificate_weak_beside_strong,
    "certificate_weak_only": _weak_only(privileged=False),
    "certificate_weak_only_privileged": _weak_only(privileged=True),
    "certificate_sid_differs": certificate_sid_differs,
    "certificate_strong_form_known": certificate_strong_form_known,
}
