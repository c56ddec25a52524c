"""The sections of recon.toml that say who may be written, and what: scopes and mappings. A part of recon.config.

The allow-list of attributes stands here, so that nothing outside it can even be configured.
"""

import math
import re
from itertools import product
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from recon.scope_language import EQUALS, MEMBER_OF, check_value, operator, parse_group

# otherMails is a collection, usageLocation and directory extensions are single values
ATTRIBUTES: tuple[str, ...] = ("otherMails", "usageLocation")
USUAL_SOURCES = {"otherMails": "worker.personal_mail", "usageLocation": "worker.country_code"}

_MOST_GROUPS = 500
_GUID = r"^[0-9A-Fa-f]{8}-([0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}$"
_SCIM_NAME = r"^[A-Za-z][A-Za-z0-9_-]{0,127}$"
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


def one_or_many(value: Any) -> Any:
    """`[x]` and `[[x]]` are both fine: one table or several."""
    return [value] if isinstance(value, dict) else value


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Clause(_Section):
    column: str = Field(min_length=1, description="Worker column, or a header of the HR extract.")
    op: str = Field(
        description="EQUALS, NOT EQUALS, IS TRUE, IS FALSE, IS NULL, IS NOT NULL, REGEX MATCH, NOT REGEX MATCH, "
        "Greater_Than, Greater_Than_OR_EQUALS, Includes, ENDS_WITH; or MEMBER_OF, which becomes one group per value."
    )
    value: str | None = Field(None, description="What is compared with; IS … takes none.")
    values: tuple[str, ...] = Field((), description="For MEMBER_OF.")

    @model_validator(mode="before")
    @classmethod
    def _spelling(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        changed = dict(data)
        if isinstance(data.get("op"), str):
            changed["op"] = operator(data["op"])
        if isinstance(data.get("value"), int) and not isinstance(data["value"], bool):
            changed["value"] = str(data["value"])
        return changed

    @model_validator(mode="after")
    def _arity(self) -> "Clause":
        if self.op == MEMBER_OF:
            if self.value is not None or not self.values or "" in self.values:
                raise ValueError(f'{MEMBER_OF} takes values = ["one", "two"]')
        elif self.values:
            raise ValueError(f"values is for {MEMBER_OF}; {self.op} takes value")
        else:
            check_value(self.op, self.value)
        return self


Group = tuple[Clause, ...]


def _read_group(group: Any) -> Any:
    return parse_group(group) if isinstance(group, str) else group


class Scope(_Section):
    groups: Annotated[
        tuple[Annotated[tuple[Clause, ...], BeforeValidator(_read_group)], ...],
        Field(
            min_length=1,
            description="OR of groups, AND of the clauses in each; a group is a list of clauses or a text such as "
            """'company EQUALS "Contoso" AND worker_type MEMBER_OF ("Employee", "Trainee")'.""",
        ),
    ]
    may_overlap: bool = Field(
        False, description="People may also be in other scopes: this one mirrors another connector's."
    )
    attributes: dict[str, str] = Field(
        default_factory=dict, description="Our column = its name in the provisioning service, for the filter as JSON."
    )

    @model_validator(mode="after")
    def _no_empty_group(self) -> "Scope":
        if any(not group for group in self.groups):
            raise ValueError("a group without clauses selects everybody")
        if len(self.expanded) > _MOST_GROUPS:
            raise ValueError(f"{MEMBER_OF} makes more than {_MOST_GROUPS} groups: write REGEX MATCH ^(one|two)$")
        return self

    @property
    def expanded(self) -> tuple[Group, ...]:
        """The groups as the service knows them: MEMBER_OF as one group per value, the other clauses repeated."""
        groups: list[Group] = []
        for group in self.groups:
            choices = [
                [Clause(column=clause.column, op=EQUALS, value=value) for value in dict.fromkeys(clause.values)]
                if clause.op == MEMBER_OF
                else [clause]
                for clause in group
            ]
            if len(groups) + math.prod(len(each) for each in choices) > _MOST_GROUPS:
                return tuple(groups) + (group,) * (_MOST_GROUPS + 1)
            groups += product(*choices)
        return tuple(groups)

    @property
    def was_expanded(self) -> bool:
        """True when MEMBER_OF stands in it."""
        return any(clause.op == MEMBER_OF for group in self.groups for clause in group)


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


def check_doubled(mappings: tuple[Mapping, ...]) -> None:
    """Raise ValueError when two mappings write one attribute."""
    names = [each.attribute for each in mappings]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise ValueError(f"two mappings write {', '.join(doubled)}")


class Campaign(_Section):
    """A scope, mappings and thresholds under a name, for schedulers."""

    scope: str = Field(description="Name of the [scope.NAME] whose workers may be written.")
    mapping: Annotated[tuple[Mapping, ...], BeforeValidator(one_or_many)] = Field(
        (), description="[[campaign.NAME.mapping]] for each attribute; default: those of [backfill]."
    )
    entra: str | None = Field(None, description="Name of the [[entra]] source, where there are several.")
    max_items: int | None = Field(None, ge=1, description="Instead of [backfill] max_items.")
    max_share: float | None = Field(None, gt=0, le=1, description="Instead of [backfill] max_share.")
    max_replaced: int | None = Field(None, ge=0, description="Instead of [backfill] max_replaced.")
    cycles: int = Field(
        2, ge=0, description="Cycles of the connector that a new account is left to it, before the campaign fills it."
    )
    cycle_minutes: int = Field(40, ge=1, description="Length of such a cycle.")
    alarm_hr_hours: float = Field(72, ge=0, description="watch: longest time from HR to an AD account.")
    alarm_ad_hours: float = Field(24, ge=0, description="watch: longest time from the AD account to the Entra user.")
    alarm_entra_hours: float = Field(24, ge=0, description="watch: longest time from the Entra user to otherMails.")

    @model_validator(mode="after")
    def _mappings(self) -> "Campaign":
        check_doubled(self.mapping)
        return self

    @property
    def settle_minutes(self) -> int:
        """How old an account must be before the campaign fills it."""
        return self.cycles * self.cycle_minutes


class BulkUpload(_Section):
    """The second way to write: an API-driven provisioning application of ours, its schema audited in each run."""

    entra: str | None = Field(None, description="Name of the [[entra]] source it belongs to, where there are several.")
    service_principal_id: str = Field(
        pattern=_GUID, description="Object id of the provisioning application's service principal."
    )
    job_id: str = Field(
        pattern=r"^[A-Za-z0-9._-]{1,256}$", description="Id of its provisioning job, such as API2AAD.TENANT.ID."
    )
    urn: str = Field(
        pattern=r"^urn:[A-Za-z0-9][A-Za-z0-9._:-]{0,255}$",
        description="SCIM extension that carries our attributes, such as "
        "urn:ietf:params:scim:schemas:extension:contoso:1.0:User.",
    )
    personal_email: str = Field(
        "PersonalEmail", pattern=_SCIM_NAME, description="Name in it of what the job maps to otherMails."
    )
    country_code: str = Field(
        "CountryCode", pattern=_SCIM_NAME, description="Name in it of what the job maps to usageLocation."
    )
    columns: dict[str, Annotated[str, Field(pattern=_SCIM_NAME)]] = Field(
        default_factory=dict,
        description="Worker column (or header of the HR extract) = name in the extension: what the job's scoping "
        "filter asks for, sent with every operation.",
    )
    daily_calls: int = Field(
        2_000, ge=1, description="Uploads in 24 hours and tenant, counted in the database; 6,000 with ID Governance."
    )
    log_minutes: int = Field(
        60, ge=1, description="How long the provisioning log may be silent on an operation, until the user is read."
    )

    @model_validator(mode="after")
    def _apart(self) -> "BulkUpload":
        names = [self.personal_email, self.country_code, *self.columns.values()]
        doubled = sorted({name for name in names if [each.lower() for each in names].count(name.lower()) > 1})
        if doubled:
            raise ValueError(f"one name for two things: {', '.join(doubled)}")
        return self
