"""Table `setting`: the thresholds of the findings, which a DBA changes there; held to the bounds of recon.toml.

A value that recon.toml would refuse is refused here too, by name: nothing is judged by a threshold that makes no sense.
"""

from collections.abc import Mapping

from pydantic import ValidationError
from sqlalchemy import Connection, insert, select

from recon.config import Settings
from recon.errors import ConfigError
from recon.store.tables import setting


def _checked(values: Mapping[str, object]) -> Settings:
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name, reason = first["loc"][0], first["msg"].replace("Input", "value_int", 1)
        raise ConfigError(
            f"table setting, row {name} ({first['input']}): {reason}",
            hint=f"update setting set value_int = {getattr(Settings(), str(name))} where name = '{name}'",
        ) from error


def read_setting(connection: Connection, name: str, configured: int) -> int:
    """One value: of the table, else as configured. Raises ConfigError for one out of its bounds."""
    value = connection.scalar(select(setting.c.value_int).where(setting.c.name == name))
    return configured if value is None else int(getattr(_checked({name: value}), name))


def fill_settings(connection: Connection, configured: Settings) -> tuple[Settings, tuple[str, ...]]:
    """All values, the rows that the table lacks added from the configuration; and a warning for each unknown name.

    Raises ConfigError for a value out of its bounds.
    """
    found = {row.name: row.value_int for row in connection.execute(select(setting.c.name, setting.c.value_int))}
    known = {name: value for name, value in found.items() if name in Settings.model_fields}
    missing = [
        {"name": name, "value_int": getattr(configured, name), "note": (info.description or "")[:256]}
        for name, info in Settings.model_fields.items()
        if name not in known
    ]
    if missing:
        connection.execute(insert(setting), missing)
    values = _checked(configured.model_dump() | known)
    return values, tuple(f"table setting: {name} is no setting" for name in sorted(found.keys() - known.keys()))
