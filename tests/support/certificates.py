"""Certificates made for a test: those of recon.lab.issued, and their PEM form."""

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from recon.lab.issued import KEY, SID_EXTENSION, certificate, name, sid_extension

__all__ = ["KEY", "SID_EXTENSION", "certificate", "name", "pem", "sid_extension"]


def pem(der: bytes) -> bytes:
    """The same in PEM."""
    return x509.load_der_x509_certificate(der).public_bytes(serialization.Encoding.PEM)
