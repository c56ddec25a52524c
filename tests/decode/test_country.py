"""Countries as HR writes them, against the ISO 3166 table that the time zone database carries."""

from importlib.resources import files

import pytest

from recon.decode.country import country_code, is_country_code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("DE", "DE"), ("de", "DE"), (" De ", "DE"), ("DEU", "DE"), ("Germany", "DE"), ("GERMANY", "DE"),
        ("UK", "GB"), ("GB", "GB"), ("GBR", "GB"), ("United Kingdom", "GB"), ("Great Britain", "GB"),
        ("US", "US"), ("USA", "US"), ("United States", "US"), ("United States of America", "US"), ("U.S.A.", "US"),
        ("Czech Republic", "CZ"), ("Czechia", "CZ"), ("South Korea", "KR"), ("North Korea", "KP"),
        ("Korea, Republic of", "KR"),
        ("Russia", "RU"), ("Russian Federation", "RU"), ("Vietnam", "VN"), ("Viet Nam", "VN"), ("Türkiye", "TR"),
        ("Turkey", "TR"), ("Tu\u0308rkiye", "TR"), ("Côte d'Ivoire", "CI"),
        ("Côte d’Ivoire", "CI"), ("Ivory Coast", "CI"),
        ("Taiwan", "TW"), ("Hong Kong", "HK"), ("The Netherlands", "NL"), ("Swaziland", "SZ"), ("Eswatini", "SZ"),
        ("Congo", "CG"), ("Congo (DRC)", "CD"), ("Niger", "NE"), ("Nigeria", "NG"), ("Georgia", "GE"),
        (None, None), ("", None), ("  ", None), ("XX", None), ("ZZZ", None), ("EU", None), ("Deutschland", None),
        ("Korea", None), ("Germ", None), ("276", None), ("England", None), ("Yugoslavia", None), ("DE-BY", None),
    ],
)  # fmt: skip
def test_names_lead_to_their_code_or_to_none(text, code):
    assert country_code(text) == code


@pytest.mark.parametrize(
    ("text", "is_code"),
    [
        ("DE", True),
        ("GB", True),
        ("UK", False),
        ("de", False),
        (" DE", False),
        ("DEU", False),
        ("EU", False),
        ("", False),
        (None, False),
    ],
)
def test_a_usage_location_is_an_exact_code(text, is_code):
    assert is_country_code(text) is is_code


def _iso3166():
    table = files("tzdata").joinpath("zoneinfo", "iso3166.tab").read_text(encoding="utf-8")
    return dict(line.split("\t") for line in table.splitlines() if line and not line.startswith("#"))


def test_the_codes_are_those_of_iso_3166():
    table = _iso3166()
    assert len(table) == 249
    assert all(is_country_code(code) and country_code(code) == code for code in table)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    pairs = {first + second for first in letters for second in letters}
    assert {pair for pair in pairs if is_country_code(pair)} == table.keys()
    assert {pair for pair in pairs if country_code(pair)} == table.keys() | {"UK"}


def test_the_names_of_the_table_are_known():
    table = _iso3166()
    unknown = {name for code, name in table.items() if country_code(name) != code}
    # the others are shortened or explained as only the time zone database does: Britain (UK), St Vincent
    assert {name for name in unknown if name.isalpha()} == set()
    assert len(unknown) < 40


def test_every_country_has_one_three_letter_code():
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    triples = (a + b + c for a in letters for b in letters for c in letters)
    found = [country_code(triple) for triple in triples if country_code(triple) and triple not in ("UAE", "PRC", "DRC")]
    assert len(found) == 249
    assert len(set(found)) == 249
