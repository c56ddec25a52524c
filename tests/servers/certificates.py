"""A CA and a server certificate for the tests' own servers: those of the lab."""

from recon.lab.certificates import TlsFiles as Authority
from recon.lab.certificates import make_tls_files as make_authority

__all__ = ["Authority", "make_authority"]
