"""Query options of one call: $select, $filter, $top, $count, and the page token.

An option that Graph refuses is refused with Graph's code; one that Graph has and the simulator has not is 501.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote_plus

from recon.lab.graph.errors import bad_request, unknown_property, unsimulated, unsupported_query
from recon.lab.graph.schema import Kind

DEFAULT_TOP = 100
MAX_TOP = 999
MAX_TOP_SIGN_IN = 500
MAX_ADVANCED_URL = 2048
_LISTED = frozenset({"$select", "$filter", "$top", "$count", "$skiptoken"})
_UNSIMULATED = frozenset({"$expand", "$search", "$orderby", "$format", "$deltatoken"})


@dataclass(frozen=True)
class Options:
    """The options as sent, values decoded. `is_advanced`: ConsistencyLevel: eventual was sent."""

    values: Mapping[str, str]
    is_advanced: bool

    @property
    def is_counted(self) -> bool:
        """$count=true was asked for; it holds only with the header."""
        return self.values.get("$count") == "true"

    @property
    def filter(self) -> str | None:
        return self.values.get("$filter")

    @property
    def skiptoken(self) -> str | None:
        return self.values.get("$skiptoken")

    def canonical(self) -> str:
        """Every option but the page token, in one order: what a page token is bound to."""
        return "&".join(f"{name}={value}" for name, value in sorted(self.values.items()) if name != "$skiptoken")

    def with_token(self, token: str) -> str:
        """The query of a nextLink: the original options and the token."""
        kept = {name: value for name, value in self.values.items() if name != "$skiptoken"} | {"$skiptoken": token}
        return "&".join(f"{name}={quote(value, safe=_SAFE)}" for name, value in kept.items())

    def top(self, maximum: int = MAX_TOP) -> int:
        """Objects a page. Of "ignored, clipped or an error", which the paging page leaves open, this is an error."""
        text = self.values.get("$top")
        if text is None:
            return DEFAULT_TOP
        if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= maximum:
            raise unsupported_query(
                f"Invalid page size specified: '{text}'. Must be between 1 and {maximum} inclusive."
            )
        return int(text)


_SAFE = "$,'()/:@*!;-._~"


def parse_query(
    text: str, *, allowed: frozenset[str] = _LISTED, refused: frozenset[str] = frozenset(), is_advanced: bool
) -> Options:
    """Read a query string. Options without $ are no system options and are ignored, as OData has it.

    Raises GraphError for an option that is given twice, unknown, or not `allowed` on this path; `refused` are those
    that the path's own page names as not supported.
    """
    values: dict[str, str] = {}
    for part in text.split("&") if text else ():
        name, _, value = part.partition("=")
        name, value = unquote_plus(name), unquote_plus(value)
        if not name.startswith("$"):
            continue
        if name in values:
            raise bad_request(
                f"Query option '{name}' was specified more than once, but it must be specified at most once."
            )
        if name == "$skip":
            raise bad_request("'$skip' is not supported by the service.")
        if name not in allowed:
            if name in refused:
                raise unsupported_query(f"The query option '{name}' is not supported for this request.")
            if name in _UNSIMULATED:
                raise unsimulated(f"the query option {name}")
            if name in _LISTED:
                raise bad_request(f"The query option '{name}' cannot be applied to the requested resource.")
            raise bad_request(f"The query parameter '{name}' is not supported.")
        values[name] = value
    if values.get("$count", "true") not in ("true", "false"):
        raise bad_request(
            f"Invalid value '{values['$count']}' for $count query option found. Valid values are 'true' and 'false'."
        )
    return Options(values, is_advanced)


def check_url(length: int, options: Options) -> None:
    """An advanced query lives in a URL of at most 2,048 characters; a batch item is exempt and is not brought here."""
    if options.is_advanced and length > MAX_ADVANCED_URL:
        raise bad_request(f"The URL of an advanced query is too long: {length} characters, at most {MAX_ADVANCED_URL}.")


def selected(options: Options, kind: Kind, columns: Mapping[str, int]) -> tuple[str, ...] | None:
    """The properties of $select in the order asked for, None without $select. Raises GraphError for an unknown one."""
    text = options.values.get("$select")
    if text is None:
        return None
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    for name in names:
        if name not in columns and name not in kind.apart:
            raise unknown_property(name, kind.name)
    return names
