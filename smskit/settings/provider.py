"""What can be set for every provider. Credentials are ``SecretStr``: no repr, error or dump shows them."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from smskit.i18n import Message
from smskit.settings import BLANK

__all__ = ["ProviderSettings"]


class ProviderSettings(BaseModel):
    """
    What can be set for every provider; a provider adds its credentials and switches.

    Field ``x`` of provider ``p`` is read from ``SMSKIT_<P>_<X>``. Times are
    seconds. ``requests_per_second`` 0 means unpaced.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    blanks_in_secrets: ClassVar[bool] = False  # whether a credential may hold a blank in the middle

    base_url: str = ""
    plain_http: Literal["refuse", "allow"] = "refuse"
    timeout_s: float = Field(default=8.0, gt=0)
    connect_timeout_s: float = Field(default=5.0, gt=0)
    requests_per_second: float = Field(default=100.0, ge=0)
    concurrency: int = Field(default=8, ge=1, le=256)
    batch_size: int = Field(default=200, ge=1)
    exclusive: bool = False

    @field_validator("base_url")
    @classmethod
    def _no_trailing_slash(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError(Message("must start with http:// or https://"))
        return value.rstrip("/")

    @field_validator("*")
    @classmethod
    def _in_one_piece(cls, value: object) -> object:
        key = value.get_secret_value() if isinstance(value, SecretStr) else ""
        if not cls.blanks_in_secrets and BLANK.search(key):
            raise ValueError(Message("has a blank or a line end in the middle; copy it again, as a whole"))
        return value

    @classmethod
    def secret_fields(cls) -> tuple[str, ...]:
        """Names of the credential fields, which never leave this object in clear."""
        return tuple(n for n, f in cls.model_fields.items() if f.annotation is SecretStr)

    @classmethod
    def address_fields(cls) -> tuple[str, ...]:
        """Names of the fields that say where requests go."""
        return tuple(n for n in cls.model_fields if n.endswith("base_url"))

    @classmethod
    def place_fields(cls) -> tuple[str, ...]:
        """Names of the fields that say where keys go, themselves or in a file they name."""
        return tuple(n for n in cls.model_fields if n.endswith("base_url") or n == "config")

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where requests go."""
        return tuple(getattr(self, name) for name in self.address_fields())
