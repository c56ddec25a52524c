"""The catalogue: every SQL file of sql/ and of the site's own folders, with its header read and its rules held.

A file is one plain SELECT below a header of `-- key: value` lines (a line of `--   text` goes on with the value
above it). This module reads and judges files; it runs nothing and builds no SQL: it only tells where a statement's
last SELECT begins, so that others can put an INSERT or a CREATE VIEW in front of it. Long, because the rules of a file
are read and judged in one pass.
"""

import difflib
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from recon.errors import CatalogError, ConfigError, UsageError

ENGINES = ("sqlite", "postgresql", "mssql")
LAYERS = ("decoded", "match", "findings", "queries", "plan")
SEVERITIES = ("critical", "high", "medium", "low", "info")
FAMILIES = ("lifecycle", "account", "match", "sync", "idfix", "certificates", "groups", "sspr", "mim")
OWN_FAMILY = "site"  # of a site's own finding that names no other
PARAMETER_TYPES = ("text", "key", "int", "date", "time")
FINDING_COLUMNS = ("object_type", "object_key", "object_name", "attribute", "hr_value", "ad_value", "entra_value")

_KEYS = frozenset(
    {"title", "meaning", "severity", "fix", "source", "personal", "note", "param", "variant"}
    | {"family", "default", "identity"}
)
_REQUIRED = {
    "decoded": ("title", "meaning"),
    "match": ("title", "meaning"),
    "findings": ("title", "meaning", "severity", "fix", "source"),
    "queries": ("title", "meaning"),
    "plan": ("title", "meaning"),
}
# words that make a statement more than a SELECT on one engine or another
_FORBIDDEN = frozenset(
    re.findall(
        r"\w+",
        "alter attach begin call commit copy create declare delete detach do drop exec execute go grant insert into "
        "merge pragma revoke rollback set truncate update use vacuum",
    )
)
_RESERVED = frozenset({"row", "count"})  # a finding becomes the view finding_<name>; these two are tables
_NAME = re.compile(r"[a-z][a-z0-9_]{2,54}")  # PostgreSQL cuts the view finding_<name> at 63
# no such column: a.x; column a.x does not exist; near "x": syntax error; function x(text) does not exist
_COMPLAINED_OF = re.compile(r"""\bno such \w+: ([\w.]+)|["']([^"']+)["']|\b(?:column|function) ([\w.]+)""")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_INSTEAD = re.compile(r"instead of ([a-z]\w*):")
_HEADER = re.compile(r"--\s?([a-z]+):\s*(.*)")
_TOKEN = re.compile(
    r"""
    (?P<comment>--[^\n]*|/\*.*?\*/)
  | (?P<text>'(?:[^']|'')*')
  | (?P<quoted>"[^"]*"|\[[^\]\n]*\])
  | (?P<cast>::)
  | (?P<parameter>:[A-Za-z_]\w*)
  | (?P<word>[^\W\d]\w*)
  | (?P<number>\d+(?:\.\d+)?)
  | (?P<space>\s+)
  | (?P<open>\()
  | (?P<close>\))
  | (?P<end>;)
  | (?P<mark>.)
    """,
    re.VERBOSE | re.DOTALL,
)
# what alone says where a SELECT stands; a word of its own that ends in select is none
_STRUCTURE = re.compile(
    r"""--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|"[^"]*"|\[[^\]\n]*\]|[()]|\bselect\b""", re.DOTALL | re.IGNORECASE
)


def data_folder(name: str) -> Path:
    """The folder `name` (sql, reports) that came with the package, or that of the checkout."""
    package = Path(__file__).parent
    for base in (package / "_data", package.parent):
        if (base / name).is_dir():
            return base / name
    raise CatalogError(f"the folder {name} did not come with the installation", hint="install directory-recon again")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One `:name` of a query. `type`: text, key (folded before it is compared), int, date or time.

    `instead_of`: the parameter that this one may stand for (its note begins with "instead of NAME:"); exactly one of
    the two is given, the other is NULL.
    """

    name: str
    type: str
    note: str
    instead_of: str = ""


class _Token(NamedTuple):
    kind: str
    text: str
    start: int


def _tokens(sql: str) -> Iterator[_Token]:
    for match in _TOKEN.finditer(sql):
        kind = match.lastgroup or "mark"
        if kind not in ("comment", "space"):
            yield _Token(kind, match.group(), match.start())


def last_select(sql: str) -> int:
    """Where the statement's own SELECT begins, behind its WITH list; 0 when it has none."""
    depth = 0
    for match in _STRUCTURE.finditer(sql):
        text = match.group()
        depth += (text == "(") - (text == ")")
        if depth == 0 and text.lower() == "select":
            return match.start() if next(_tokens(sql)).start < match.start() else 0
    return 0


def escape_colons(sql: str, parameters: Sequence[Parameter] = ()) -> str:
    """The statement as SQLAlchemy's text() wants it: every colon that is no declared parameter is escaped."""
    if ":" not in sql:
        return sql
    names = {parameter.name for parameter in parameters}
    kept = {token.start for token in _tokens(sql) if token.kind == "parameter" and token.text[1:] in names}
    return "".join("\\:" if mark == ":" and place not in kept else mark for place, mark in enumerate(sql))


def substitute_parameters(sql: str, texts: Mapping[str, str]) -> str:
    """The statement with each `:name` replaced by its text; others, and colons in literals, stay."""
    parts, end = [], 0
    for token in _tokens(sql):
        if token.kind == "parameter" and token.text[1:] in texts:
            parts += [sql[end : token.start], texts[token.text[1:]]]
            end = token.start + len(token.text)
    return "".join((*parts, sql[end:]))


@dataclass(frozen=True)
class Statement:
    """One SELECT of the catalogue. `texts`: by engine, or under '' for all of them; no header, no semicolon."""

    name: str
    layer: str
    path: Path
    title: str
    meaning: str
    severity: str = ""
    fix: str = ""
    source: str = ""
    note: str = ""
    family: str = ""
    is_default: bool = False
    identity: tuple[str, ...] = ()  # value columns that tell several rows of one object and attribute apart
    is_personal: bool = False
    is_own: bool = False
    parameters: tuple[Parameter, ...] = ()
    texts: dict[str, str] = field(default_factory=dict)
    line: int = 1  # of its file, where the SELECT begins

    def refused(self, reason: str) -> CatalogError:
        """What a database says of it, with the line of the one word that it complains of, else the SELECT's first."""
        lines = next(iter(self.texts.values()), "").lower().split("\n")
        place = 0
        words = itertools.chain.from_iterable(_COMPLAINED_OF.findall(reason.lower()))
        for word in filter(None, words):
            places = [at for at, line in enumerate(lines) if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", line)]
            if len(places) == 1:
                place = places[0]
                break
        return CatalogError(f"{self.path}, line {self.line + place}: the database refuses it: {reason}")

    def sql(self, engine: str) -> str:
        """The SELECT for one engine."""
        return self.texts.get(engine) or self.texts[""]

    def split(self, engine: str) -> tuple[str, str]:
        """(the WITH list with the comma or keyword that lets another follow, the SELECT behind it)."""
        sql = self.sql(engine)
        place = last_select(sql)
        if place == 0:
            return "with ", sql
        return sql[:place].rstrip() + ",\n\n", sql[place:]


@dataclass(frozen=True)
class Catalog:
    """What was read. `broken`: the files that were refused, each with file, line and reason."""

    statements: tuple[Statement, ...]
    broken: tuple[CatalogError, ...] = ()

    def layer(self, layer: str) -> tuple[Statement, ...]:
        """The statements of one layer, by name."""
        return tuple(statement for statement in self.statements if statement.layer == layer)

    def without(self, refused: Mapping[str, CatalogError]) -> "Catalog":
        """The catalogue without the statements of these names, their errors added to `broken`."""
        kept = tuple(each for each in self.statements if each.name not in refused)
        return Catalog(kept, (*self.broken, *refused.values()))

    @property
    def findings(self) -> tuple[Statement, ...]:
        """All findings, the site's own included, worst first."""
        return tuple(sorted(self.layer("findings"), key=lambda each: (SEVERITIES.index(each.severity), each.name)))

    def chosen(
        self, families: Sequence[str] = (), codes: Sequence[str] = (), off: Sequence[str] = (), *, default: bool = True
    ) -> frozenset[str]:
        """The codes of the findings to run: a site's own, the default ones, those named, less those named in `off`.

        `families` may hold "all"; `off` takes codes and families. Raises ConfigError for a name that is neither.
        """
        known = {each.name for each in self.findings} | {each.path.stem for each in self.findings}
        known |= {path.stem for path in (Path(str(error).partition(",")[0]) for error in self.broken)}
        for key, names, allowed in (
            ("families", families, {*FAMILIES, OWN_FAMILY, "all"}),
            ("codes", codes, known),
            ("off", off, {*FAMILIES, OWN_FAMILY} | known),
        ):
            for name in names:
                if name not in allowed:
                    near = difflib.get_close_matches(name, allowed, n=1, cutoff=0.5)
                    hint = f"did you mean {near[0]}?" if near else "docs/findings.md lists families and codes"
                    raise ConfigError(f"[findings] {key}: nothing is called {name}", hint=hint)
        return frozenset(
            each.name
            for each in self.findings
            if (
                each.is_own
                or (default and each.is_default)
                or "all" in families
                or each.family in families
                or each.name in codes
            )
            and not {each.name, each.family} & set(off)
        )

    def statement(self, name: str, layer: str | None = None) -> Statement:
        """The statement of that name; raises UsageError with the nearest names when there is none."""
        known = {each.name: each for each in self.statements if layer in (None, each.layer)}
        if name in known:
            return known[name]
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        what = {"findings": "finding"}.get(layer or "", "statement")
        listing = "recon findings lists them" if layer == "findings" else "recon sql list lists them"
        raise UsageError(f"no {what} is called {name}", hint=f"did you mean {' or '.join(near)}?" if near else listing)


class _Refused(Exception):  # noqa: N818  never leaves this module
    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line


def _lines(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise _Refused(1, f"cannot be read: {error}") from error
    for number, line in enumerate(lines, 1):
        if found := _CONTROL.search(line):
            raise _Refused(number, f"a control character (U+{ord(found.group()):04X})")
    return lines


class _Header(dict[str, list[str]]):
    """The header's values by key (param may repeat). `places`: the line of each key."""

    def __init__(self) -> None:
        super().__init__()
        self.places: dict[str, int] = {}

    def refused(self, key: str, reason: str) -> _Refused:
        return _Refused(self.places.get(key, 1), reason)


def _header(lines: Sequence[str]) -> tuple[_Header, int]:
    """The header and the number of its lines."""
    values = _Header()
    last: list[str] | None = None
    for number, line in enumerate(lines, 1):
        if not line.startswith("--"):
            return values, number - 1
        found = _HEADER.fullmatch(line.rstrip())
        if line.startswith("--   "):
            if last is None:
                raise _Refused(number, "the header begins with a line that belongs to no key")
            last[-1] = f"{last[-1]} {line[5:].strip()}"
        elif found is None:
            raise _Refused(number, "a header line is `-- key: value`, or `--   ` and more of the value above")
        else:
            key, value = found.groups()
            if key not in _KEYS:
                raise _Refused(number, f"unknown header key {key}")
            last = values.setdefault(key, [])
            values.places.setdefault(key, number)
            if last and key != "param":
                raise _Refused(number, f"header key {key} stands twice")
            last.append(value.strip())
    return values, len(lines)


def _parameters(header: _Header) -> tuple[Parameter, ...]:
    parameters: list[Parameter] = []
    for value in header.get("param", ()):
        words = value.split(None, 2)
        if len(words) < 2 or words[1] not in PARAMETER_TYPES:
            raise header.refused(
                "param", f"a parameter is `-- param: name type note`, type one of {', '.join(PARAMETER_TYPES)}"
            )
        note = words[2] if len(words) > 2 else ""
        instead = _INSTEAD.match(note)
        if instead and instead[1] not in {each.name for each in parameters}:
            raise header.refused(
                "param", f"parameter {words[0]} stands instead of {instead[1]}, which is not declared before it"
            )
        parameters.append(Parameter(words[0], words[1], note, instead[1] if instead else ""))
    return tuple(parameters)


def _judge_parameters(tokens: Sequence[_Token], parameters: Sequence[Parameter]) -> tuple[_Token | None, str]:
    """(where, why) the declared and the used parameters are not the same; ('' when they are)."""
    declared = {parameter.name for parameter in parameters}
    used = {token.text[1:]: token for token in tokens if token.kind == "parameter"}
    for name, token in used.items():
        if name not in declared:
            return token, f"parameter :{name} is not declared (-- param: {name} text …)"
    unused = sorted(declared - used.keys())
    return None, f"parameter {unused[0]} is declared and not used" if unused else ""


def _token_defect(token: _Token, previous: str) -> str:
    """Why this token makes a file more than one SELECT; '' when it does not."""
    if token.kind == "end":
        return "no semicolon: a file is one statement, and others put text around it"
    if token.kind == "word" and token.text.lower() in _FORBIDDEN:
        return f"a file only reads: {token.text.lower()} is not allowed"
    if (token.kind == "mark" and token.text in "'\"") or (token.text == "*" and previous == "/"):
        return "a quotation or comment that does not end"
    return ""


def _judge(sql: str, first_line: int, parameters: Sequence[Parameter], columns: Sequence[str]) -> None:
    """Refuse whatever is not one plain SELECT of these columns with its declared parameters."""

    def refuse(token: _Token, reason: str) -> _Refused:
        return _Refused(first_line + sql.count("\n", 0, token.start), reason)

    tokens = list(_tokens(sql))
    if not tokens:
        raise _Refused(first_line, "there is no statement below the header")
    if tokens[0].text.lower() not in ("select", "with"):
        raise refuse(tokens[0], f"a file is one SELECT; this begins with {tokens[0].text}")
    depth, previous = 0, ""
    for token in tokens:
        defect = _token_defect(token, previous)
        depth += (token.kind == "open") - (token.kind == "close")
        if defect or depth < 0:
            raise refuse(token, defect or "a bracket closes that was not opened")
        previous = token.text
    if depth:
        raise refuse(tokens[-1], "a bracket is not closed")
    where, why = _judge_parameters(tokens, parameters)
    if why:
        raise refuse(where, why) if where else _Refused(1, why)
    words = {token.text.lower() for token in tokens}
    for column in columns:
        if column not in words:
            raise _Refused(first_line, f"a finding returns a column {column}")


def _identity(values: Mapping[str, list[str]]) -> tuple[str, ...]:
    return tuple(name.strip() for name in values.get("identity", [""])[0].split(",") if name.strip())


def _check_header(layer: str, values: _Header, engine: str, *, is_own: bool) -> None:
    for key in _REQUIRED[layer]:
        if not values.get(key, [""])[0]:
            raise values.refused(key, f"the header has no `-- {key}:`")
    if layer == "findings":
        if values["severity"][0] not in SEVERITIES:
            raise values.refused("severity", f"severity is one of {', '.join(SEVERITIES)}")
        if "one row per" not in values["meaning"][0].lower():
            raise values.refused("meaning", "the meaning does not say its grain (One row per …)")
        family = values.get("family", [OWN_FAMILY])[0]
        if family not in FAMILIES and not (is_own and family == OWN_FAMILY):
            known = (*FAMILIES, OWN_FAMILY) if is_own else FAMILIES
            raise values.refused("family", f"`-- family:` is one of {', '.join(known)}")
        if values.get("default", ["on"])[0] != "on":
            raise values.refused("default", "`-- default: on` stands there or not at all")
        strange = set(_identity(values)) - {"hr_value", "ad_value", "entra_value"}
        if strange or (_identity(values) and values.get("personal")):
            raise values.refused(
                "identity", "`-- identity:` names value columns (hr_value, ad_value, entra_value) that are not personal"
            )
    elif values.keys() & {"family", "default", "identity"}:
        raise _Refused(1, "only findings have a family, a default and an identity")
    if values.get("param") and layer not in ("queries", "plan"):
        raise values.refused("param", "only queries take parameters")
    if engine and not values.get("variant"):
        raise _Refused(1, "a file for one engine says why in `-- variant:`")


def _read_file(path: Path, layer: str, *, is_own: bool, is_judged: bool) -> Statement:
    name, _, engine = path.stem.partition(".")
    if not _NAME.fullmatch(name) or name in _RESERVED:
        raise _Refused(1, "a file name is lower-case letters, digits and _, from 3 to 55 of them; not row, not count")
    if engine and engine not in ENGINES:
        raise _Refused(1, f"unknown engine {engine} in the file name")
    lines = _lines(path)
    values, length = _header(lines)
    _check_header(layer, values, engine, is_own=is_own)
    parameters = _parameters(values)
    while length < len(lines) and not lines[length].strip():
        length += 1
    sql = "\n".join(lines[length:]).strip()
    if is_judged:
        _judge(sql, length + 1, parameters, FINDING_COLUMNS if layer == "findings" else ())

    def one(key: str) -> str:
        return values.get(key, [""])[0]

    return Statement(
        name=name,
        layer=layer,
        path=path,
        title=one("title"),
        meaning=one("meaning"),
        severity=one("severity"),
        fix=one("fix"),
        source=one("source"),
        note=one("note"),
        family=one("family") or (OWN_FAMILY if layer == "findings" else ""),
        is_default=one("default") == "on" or (is_own and layer == "findings"),
        identity=_identity(values),
        is_personal=one("personal").lower() == "yes",
        is_own=is_own,
        parameters=parameters,
        texts={engine: sql},
        line=length + 1,
    )


def read_catalog(own: Sequence[Path] = (), *, is_judged: bool = False) -> Catalog:
    """Read sql/ and the site's `own` folders of findings.

    `is_judged`: hold the statements that came with the package, too, against the rules of a statement: they are no
    longer looked through each time that a command begins, those of the site are.

    A broken file, a name used twice or a folder that is not there is refused and listed in `broken`; the others
    stand. What came with the package wins over an own file of the same name.
    """
    files = [(path, layer, False) for layer in LAYERS for path in sorted((data_folder("sql") / layer).glob("*.sql"))]
    broken: list[CatalogError] = []
    for folder in own:
        if folder.is_dir():
            files += [(path, "findings", True) for path in sorted(folder.glob("*.sql"))]
        else:
            broken.append(CatalogError(f"{folder}: no such folder", hint="see [catalogue] findings in recon.toml"))
    found: dict[str, Statement] = {}
    for path, layer, is_own in files:
        try:
            statement = _read_file(path, layer, is_own=is_own, is_judged=is_own or is_judged)
            known = found.get(statement.name)
            if known is not None:
                if known.path.parent != path.parent or set(known.texts) & set(statement.texts):
                    raise _Refused(1, f"the name {statement.name} is taken by {known.path}")
                known.texts.update(statement.texts)
            else:
                found[statement.name] = statement
        except _Refused as refused:
            error = CatalogError(f"{path}, line {refused.line}: {refused}", hint="recon sql check reads them all again")
            error.__cause__ = refused
            broken.append(error)
    for statement in tuple(found.values()):
        missing = [engine for engine in ENGINES if engine not in statement.texts]
        if "" not in statement.texts and missing:
            broken.append(CatalogError(f"{statement.path}, line 1: no variant for {', '.join(missing)}"))
            del found[statement.name]
    return Catalog(tuple(found.values()), tuple(broken))
