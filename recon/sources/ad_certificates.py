"""Columns about certificates: what a value of altSecurityIdentities says, and the certificates of userCertificate."""

from collections.abc import Iterator, Sequence

from recon.decode.certmap import read_mapping
from recon.errors import DecodeError

CERTIFICATE = "usercertificate"


def mapping_columns(value: str) -> tuple[object, ...]:
    """kind, strength, issuer, subject, serial and strong_value of one value, as the child tables have them."""
    found = read_mapping(value)
    return (found.kind, found.strength, found.issuer, found.subject, found.serial, found.strong_value)


def certificate_rows(raw: Sequence[bytes]) -> Iterator[tuple[object, ...]]:
    """The position and columns of ad_user_certificate of each certificate that can be read, sorted by its bytes.

    Raises nothing: what cannot be read is left out; ad_attribute still holds it.
    """
    from recon.decode.certificate import read_certificates

    for position, data in enumerate(sorted(raw)):
        try:
            (found,) = read_certificates(data)
        except (DecodeError, ValueError):  # a value with several certificates in PEM is none either
            continue
        yield (
            position, found.subject or None, found.issuer or None, found.serial, found.not_after,
            found.sid_extension or found.sid_san, found.mapping("X509IssuerSerialNumber"),
        )  # fmt: skip
