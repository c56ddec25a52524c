"""`recon decode certmap`: certificate mappings, from a value of altSecurityIdentities or from a certificate."""

import codecs
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from recon.cli.console import FORMAT_OPTION, Format, emit, out
from recon.decode.text import quoted
from recon.errors import DecodeError, UsageError

if TYPE_CHECKING:
    from recon.decode.certificate import Certificate

_Row = tuple[object, ...]

_VALUE_COLUMNS = ("value", "kind", "strength", "issuer", "subject", "serial", "names", "strong_value", "note")
_FILE_COLUMNS = (
    "file", "subject", "issuer", "serial", "not_before", "not_after", "sid_extension", "sid_san",
    "X509IssuerSerialNumber", "X509SKI", "X509SHA1PublicKey", "X509IssuerSubject", "X509SubjectOnly", "X509RFC822",
    "malformed",
)  # fmt: skip


def _value_row(value: str) -> _Row:
    from recon.decode.certmap import read_mapping

    found = read_mapping(value)
    return (
        value, found.kind, found.strength, found.issuer, found.subject, found.serial, found.value,
        found.strong_value, found.note or None,
    )  # fmt: skip


def _file_row(name: str, found: "Certificate") -> _Row:
    return (
        name, found.subject, found.issuer, found.serial, found.not_before[:19], found.not_after[:19],
        found.sid_extension, found.sid_san, *(found.mapping(kind) for kind in _FILE_COLUMNS[8:-1]),
        "; ".join(found.malformed) or None,
    )  # fmt: skip


def _is_value(text: str) -> bool:
    return text.strip().upper().startswith(("X509:", "KERBEROS:"))


def _sorted(given: Sequence[str]) -> tuple[list[str], list[tuple[str, "Certificate"]]]:
    """(mapping values, certificates with the name of their file)."""
    from recon.decode.certificate import holds_certificate, read_certificate_file, read_certificates

    values: list[str] = []
    certificates: list[tuple[str, Certificate]] = []
    for text in given:
        if text == "-":
            data = sys.stdin.buffer.read() if hasattr(sys.stdin, "buffer") else sys.stdin.read().encode()
            if holds_certificate(data):
                certificates += [("-", each) for each in read_certificates(data)]
            else:
                is_wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
                lines = data.decode("utf-16" if is_wide else "utf-8-sig", "replace").splitlines()
                values += [line.strip() for line in lines if line.strip()]
        elif _is_value(text):
            values.append(text)
        elif Path(text).is_file():
            certificates += [(text, each) for each in read_certificate_file(Path(text))]
        else:
            raise DecodeError(
                f"neither a mapping nor a file: {quoted(text)}",
                hint="a mapping begins with X509:, a file holds a certificate in PEM or DER",
            )
    return values, certificates


def _lines(columns: Sequence[str], row: _Row) -> Iterator[str]:
    width = max(len(name) for name in columns)
    for name, value in zip(columns, row, strict=True):
        if value is not None:
            yield f"{name:{width}}  {value}"


def certmap(
    values: list[str] = typer.Argument(
        None,
        metavar="VALUE|FILE",
        help="A value of altSecurityIdentities, or a file with a certificate (PEM, DER, base64). "
        "A single - reads values, one a line, or a certificate from stdin.",
    ),
    issuer: str | None = typer.Option(None, "--issuer", help="With --serial: the issuer as a certificate shows it."),
    serial: str | None = typer.Option(None, "--serial", help="The serial number in hexadecimal, as it is shown."),
    output: Format = FORMAT_OPTION,
) -> None:
    """A certificate mapping (KB5014754): weak or strong, and what it names; or the mappings that a certificate allows.

    Of a certificate also the SID of extension 1.3.6.1.4.1.311.25.2 and of the tag in subjectAltName: with one of
    them no mapping in AD is needed. What of it cannot be read stands under malformed. --issuer and --serial print the
    strong mapping of the two.
    """
    if (issuer is None) != (serial is None) or (issuer is None) != bool(values):
        raise UsageError("give values or files, or --issuer together with --serial")
    if issuer is not None and serial is not None:
        from recon.decode.certmap import issuer_serial

        _show((), [issuer_serial(issuer, serial)], output)
        return
    given = list(values)
    if "-" in given and len(given) > 1:
        raise UsageError("- reads all values from stdin: give nothing beside it")
    mappings, certificates = _sorted(given)
    _show([_file_row(*one) for one in certificates], mappings, output)


def _show(certificates: Sequence[_Row], mappings: Sequence[str], output: Format) -> None:
    """Certificates and values in turn; one alone in table form is a line for each thing that it says."""
    rows: list[_Row] = [_value_row(value) for value in mappings]
    tables: list[tuple[Sequence[str], Sequence[_Row]]] = [(_FILE_COLUMNS, certificates), (_VALUE_COLUMNS, rows)]
    if certificates and rows and output is not Format.table:
        raise UsageError("certificates and values have different columns", hint="ask for them one after the other")
    for columns, listed in tables:
        if not listed:
            continue
        if output is not Format.table or (columns is _VALUE_COLUMNS and len(listed) > 1):
            emit(columns, listed, output)
            continue
        for place, row in enumerate(listed):
            if place:
                out("")
            for line in _lines(columns, row):
                out(line)
            if columns is _FILE_COLUMNS and row[6] is None and row[7] is None:
                out(
                    "note: no SID in the certificate: domain controllers need a strong mapping in altSecurityIdentities"
                )
