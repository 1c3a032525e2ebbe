"""How a plugin declares its settings."""

from __future__ import annotations

from typing import Any

import pydantic


class Config(pydantic.BaseModel):
    """Base of a plugin's settings: unknown keys are errors, values do not change."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Secret(pydantic.SecretStr):
    """A value that no log, error or page shows. ``reveal()`` gives it to the wire, and to nothing else."""

    def reveal(self) -> str:
        """Return the secret itself."""
        return self.get_secret_value()


def field(description: str, *, default: Any = ..., **constraints: Any) -> Any:
    """Describe one setting.

    Parameters
    ----------
    description: one line, shown in help and in errors.
    default: left out, the setting is required.
    constraints: passed to pydantic (``max_length``, ``ge``, ``pattern`` …).
    """
    return pydantic.Field(default=default, description=description, **constraints)
