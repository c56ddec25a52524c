"""The sections of recon.toml that say who may be written, and what: scopes and mappings. A part of recon.config.

The allow-list of attributes stands here, so that nothing outside it can even be configured.
"""

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

# otherMails is a collection, usageLocation and directory extensions are single values
ATTRIBUTES: tuple[str, ...] = ("otherMails", "usageLocation")
USUAL_SOURCES = {"otherMails": "worker.personal_mail", "usageLocation": "worker.country_code"}

_EXTENSION = re.compile(r"extension_[0-9a-f]{32}_[A-Za-z][A-Za-z0-9_]{0,99}")


def is_writable(attribute: object) -> bool:
    """True for what may ever be written: otherMails, usageLocation, extension_<appid>_<name>."""
    return isinstance(attribute, str) and (attribute in ATTRIBUTES or _EXTENSION.fullmatch(attribute) is not None)


def check_attribute(attribute: str, source: str) -> None:
    """Raise ValueError for an attribute that may not be written, or that has no source."""
    if not is_writable(attribute):
        raise ValueError(
            f"attribute {attribute!r} may not be written: "
            "only otherMails, usageLocation or extension_<appid>_<name> (32 hexadecimal digits, then the name)"
        )
    if not source and attribute not in USUAL_SOURCES:
        raise ValueError(f"{attribute} needs a source: worker.COLUMN or ad_user.COLUMN")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Clause(_Section):
    column: str = Field(description="Worker column, or a header of the HR extract.")
    op: Literal["EQUALS", "NOT EQUALS", "IS NULL", "IS NOT NULL"] = Field(
        description="As in the provisioning service: case-sensitive; all but IS NULL are false on null."
    )
    value: str | None = Field(None, description="For EQUALS and NOT EQUALS.")

    @model_validator(mode="after")
    def _arity(self) -> "Clause":
        if self.op.startswith("IS") != (self.value is None):
            raise ValueError(f"{self.op} takes {'no value' if self.op.startswith('IS') else 'a value'}")
        return self


class Scope(_Section):
    groups: Annotated[
        tuple[tuple[Clause, ...], ...],
        Field(min_length=1, description="OR of groups, AND of the clauses in each."),
    ]

    @model_validator(mode="after")
    def _no_empty_group(self) -> "Scope":
        if any(not group for group in self.groups):
            raise ValueError("a group without clauses selects everybody")
        return self


class Mapping(_Section):
    """What is written, from where, and what becomes of a value that stands there."""

    attribute: str = Field(
        description="otherMails, usageLocation, or a single-valued directory extension: extension_<appid>_<name>."
    )
    source: str = Field(
        "",
        description="worker.COLUMN or ad_user.COLUMN; default: worker.personal_mail for otherMails, "
        "worker.country_code for usageLocation.",
    )
    mode: Literal["fill", "owned", "merge", "replace"] = Field(
        "fill",
        description="fill: only where empty; owned: also changes or clears what we wrote last; merge (otherMails): "
        "adds and keeps what is there; replace: overwrites, needs --allow-replace N.",
    )
    position: Literal["first", "last"] = Field("last", description="Where merge puts the added address.")

    @model_validator(mode="after")
    def _allowed(self) -> "Mapping":
        check_attribute(self.attribute, self.source)
        if self.mode == "merge" and self.attribute != "otherMails":
            raise ValueError(f"mode merge is for otherMails: {self.attribute} holds a single value")
        if self.position != "last" and self.mode != "merge":
            raise ValueError("position is for mode merge")
        return self

    @property
    def source_name(self) -> str:
        """The source, the usual one where none is given."""
        return self.source or USUAL_SOURCES[self.attribute]
