"""recon: Active Directory, Entra ID and HR in SQL; where they disagree, and how to fill what is missing."""

__version__ = "0.1.0"
