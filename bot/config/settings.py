"""The settings, read once from the environment or a `.env` file.  All errors are reported together.

White space, a byte order mark and quotes around a value are removed, because files and copies add
them.  An unknown variable that begins with PURGEBOT_ is an error.

docs/operate.md describes each setting and its default.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

import platformdirs
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from bot.config.certificates import why_unusable
from bot.config.variables import bare, is_service_link, nearly_ours, not_ours
from bot.core.decisions.rulings import Limits
from bot.core.errors import BotError
from bot.core.purge.signatures import ApprovalKeys
from bot.core.setup_errors import SETTINGS_INVALID
from bot.core.text.domain_name import is_loopback

S = TypeVar("S", bound=BaseSettings)


class SettingsInvalid(BotError):
    """One or more settings are missing or invalid.  The message names each variable."""


class Mode(StrEnum):
    SOCKET = "socket"
    HTTP = "http"


ENV_FILE = ".env"
NOWHERE = "/nonexistent"
"""The home directory of users without one, by Debian's convention."""


def _default_database_url() -> SecretStr:
    """Return the URL of a SQLite file in the user's data directory, or "" if the user has none."""
    try:
        folder = platformdirs.user_data_path("purgebot")
    except RuntimeError:  # neither HOME nor an entry in the user database
        return SecretStr("")
    if folder.is_relative_to(NOWHERE):
        return SecretStr("")
    return SecretStr(f"sqlite:///{folder / 'purgebot.sqlite3'}")


def _variable(name: str, **more: Any) -> Any:
    return Field(validation_alias=name, **more)


def _token(prefix: str) -> AfterValidator:
    def check(value: SecretStr) -> SecretStr:
        token = value.get_secret_value()
        if not token.startswith(prefix):
            msg = f"must begin with {prefix} (is it another kind of token?)"
            raise ValueError(msg)
        if not re.fullmatch("[!-~]{6,}", token):
            raise ValueError("is no token: it is cut off, or holds what no token holds")
        return value

    return AfterValidator(check)


def _signing_secret(value: SecretStr) -> SecretStr:
    if not re.fullmatch("[!-~]+", value.get_secret_value()):
        raise ValueError("is no signing secret: it holds what no signing secret holds")
    return value


def _approval_key(value: SecretStr) -> SecretStr:
    keys = [bare(key) for key in value.get_secret_value().split(",")]
    if len(keys) > 2:
        raise ValueError("holds more than two keys: the new one, a comma and the old one")
    if any(not re.fullmatch("[!-~]{32,}", key) for key in keys):
        raise ValueError("must be at least 32 printable characters, as from: openssl rand -hex 32")
    return SecretStr(",".join(keys))


def _safe_address(value: str) -> str:
    try:
        parts = urlsplit(value)
        odd = parts.port == 0 or "@" in parts.netloc
    except ValueError:  # its message would repeat the value
        raise ValueError("is no address") from None
    if odd or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an address that begins with https://")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("must begin with https:// (plain http only to this machine)")
    return value.rstrip("/")


def _certificates(value: Path) -> Path:
    if why := why_unusable(value):
        raise ValueError(why)
    return value


def _channel_id(value: str) -> str:
    if not re.fullmatch("[CG][A-Z0-9]{2,}", value, re.ASCII):
        raise ValueError("must be the ID of a channel, for example C024BE91L, not its name")
    return value


def _channel_ids(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return frozenset(_channel_id(bare(each)) for each in value.split(","))


def _bind(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not (host and re.fullmatch("[0-9]{1,5}", port) and int(port) < 65536):
        raise ValueError("must be host:port, for example 127.0.0.1:3000")
    return value


def _local_bind(value: str) -> str:
    if not is_loopback(_split(_bind(value))[0]):
        raise ValueError("must be on this machine: it is for trials only")
    return value


_Address = Annotated[str, AfterValidator(_safe_address)]
_Bind = Annotated[str, AfterValidator(_bind)]
_CertificateFile = Annotated[Path, AfterValidator(_certificates)]


class _FromVariables(BaseSettings):
    """How variables become settings."""

    model_config = SettingsConfigDict(
        env_file=ENV_FILE,
        env_file_encoding="utf-8-sig",
        extra="ignore",
        frozen=True,
        env_ignore_empty=True,
        case_sensitive=True,
    )

    @field_validator("*", mode="before")
    @classmethod
    def _is_bare(cls, value: Any) -> Any:
        if not isinstance(value, str) or not value:
            return value
        if not (inner := bare(value)):
            raise ValueError("is blank")
        return inner


class PolicySettings(_FromVariables):
    """The policy's path: all that `purgebot policy explain` needs."""

    policy: Path | None = _variable("PURGEBOT_POLICY", default=None)


class DatabaseSettings(_FromVariables):
    """The database: all that the audit commands need."""

    database_url: SecretStr = _variable(
        "PURGEBOT_DATABASE_URL", default_factory=_default_database_url, validate_default=True
    )

    @field_validator("database_url")
    @classmethod
    def _is_known_database(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value():
            raise ValueError("is missing, and this user has no home directory for a SQLite file")
        try:
            url = make_url(value.get_secret_value())
        except (ArgumentError, ValueError):  # its message would repeat the value
            raise ValueError("is no database address") from None
        if url.drivername in {"postgres", "postgresql", "postgresql+psycopg"}:
            url = url.set(drivername="postgresql+psycopg")
            value = SecretStr(url.render_as_string(hide_password=False))
        elif url.drivername != "sqlite" or _is_in_memory(url):
            raise ValueError("must be sqlite:///FILE or postgresql://…")
        try:
            url.get_dialect()().create_connect_args(url)
        except (ArgumentError, ValueError, TypeError):
            raise ValueError("has hosts, ports or parameters that cannot be read") from None
        return value


class Settings(DatabaseSettings):
    """All settings of the bot.  Secrets are `SecretStr`, so that no log can show them."""

    # The mode comes first, because the validation of the tokens depends on it.
    mode: Mode = _variable("PURGEBOT_MODE")
    slack_bot_token: Annotated[SecretStr, _token("xoxb-")] = _variable("SLACK_BOT_TOKEN")
    slack_app_token: Annotated[SecretStr, _token("xapp-")] | None = _variable(
        "SLACK_APP_TOKEN", default=None, validate_default=True
    )
    slack_signing_secret: Annotated[SecretStr, AfterValidator(_signing_secret)] | None = _variable(
        "SLACK_SIGNING_SECRET", default=None, validate_default=True
    )
    slack_api_url: Annotated[_Address, AfterValidator(lambda url: f"{url}/")] = _variable(
        "SLACK_API_URL", default="https://slack.com/api/"
    )
    access_key_id: str | None = _variable("ALIBABA_CLOUD_ACCESS_KEY_ID", default=None)
    access_key_secret: SecretStr | None = _variable(
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET", default=None, validate_default=True
    )
    security_token: SecretStr | None = _variable("ALIBABA_CLOUD_SECURITY_TOKEN", default=None)
    cdn_endpoint: _Address = _variable("PURGEBOT_CDN_ENDPOINT", default="https://cdn.aliyuncs.com")
    policy: Path = _variable("PURGEBOT_POLICY")
    http_bind: _Bind = _variable("PURGEBOT_HTTP_BIND", default="127.0.0.1:3000")
    status_bind: _Bind | None = _variable("PURGEBOT_STATUS_BIND", default=None)
    edge_address: Annotated[str, AfterValidator(_local_bind)] | None = _variable(
        "PURGEBOT_EDGE_ADDRESS", default=None
    )
    audit_retention_days: int | None = _variable(
        "PURGEBOT_AUDIT_RETENTION_DAYS", default=None, ge=1, le=36500
    )
    retention_days: int = _variable("PURGEBOT_RETENTION_DAYS", default=365, ge=0, le=36500)
    ca_bundle: _CertificateFile | None = _variable("PURGEBOT_CA_BUNDLE", default=None)
    ssl_cert_file: _CertificateFile | None = _variable("SSL_CERT_FILE", default=None)
    requests_ca_bundle: _CertificateFile | None = _variable("REQUESTS_CA_BUNDLE", default=None)
    operators_channel: Annotated[str, AfterValidator(_channel_id)] | None = _variable(
        "PURGEBOT_OPERATORS_CHANNEL", default=None
    )
    shared_channels: Annotated[frozenset[str], NoDecode, BeforeValidator(_channel_ids)] = _variable(
        "PURGEBOT_SHARED_CHANNELS", default=frozenset()
    )
    canary_minutes: int = _variable("PURGEBOT_CANARY_MINUTES", default=10, ge=0, le=1440)
    low_quota_share: float = _variable("PURGEBOT_LOW_QUOTA_SHARE", default=0.1, ge=0, le=1)
    sends_per_second: float = _variable("PURGEBOT_SENDS_PER_SECOND", default=50.0, gt=0, le=10_000)
    join_window_s: float = _variable("PURGEBOT_JOIN_WINDOW_SECONDS", default=5.0, ge=0, le=3600)
    one_core: bool = _variable("PURGEBOT_ONE_CORE", default=True)
    approval_key: Annotated[SecretStr, AfterValidator(_approval_key)] | None = _variable(
        "PURGEBOT_APPROVAL_KEY", default=None
    )
    requests_a_minute: int = _variable("PURGEBOT_REQUESTS_PER_MINUTE", default=30, ge=0)
    waiting_per_person: int = _variable("PURGEBOT_WAITING_PER_PERSON", default=10, ge=0)
    joined_per_person: int = _variable("PURGEBOT_JOINED_PER_PERSON", default=10, ge=0)
    refusals_an_hour: int = _variable("PURGEBOT_REFUSALS_PER_HOUR", default=60, ge=0)

    @model_validator(mode="before")
    @classmethod
    def _tell_the_mode(cls, values: Any) -> Any:
        if isinstance(values, dict) and not values.get("PURGEBOT_MODE"):
            http = values.get("SLACK_SIGNING_SECRET") and not values.get("SLACK_APP_TOKEN")
            values["PURGEBOT_MODE"] = Mode.HTTP if http else Mode.SOCKET
        return values

    @field_validator("slack_app_token", "slack_signing_secret")
    @classmethod
    def _is_there_for_its_mode(cls, value: SecretStr | None, info: Any) -> SecretStr | None:
        needed_by = Mode.SOCKET if info.field_name == "slack_app_token" else Mode.HTTP
        if value is None and info.data.get("mode") is needed_by:
            other = (
                "http mode takes SLACK_SIGNING_SECRET"
                if needed_by is Mode.SOCKET
                else "socket mode takes SLACK_APP_TOKEN"
            )
            msg = f"is missing, and {needed_by.value} mode needs it ({other} instead)"
            raise ValueError(msg)
        return value

    @field_validator("shared_channels")
    @classmethod
    def _leaves_alerts_a_channel(cls, value: frozenset[str], info: Any) -> frozenset[str]:
        if info.data.get("operators_channel") in value:
            raise ValueError("must not hold PURGEBOT_OPERATORS_CHANNEL: alerts are posted there")
        return value

    @field_validator("access_key_secret")
    @classmethod
    def _comes_with_its_key(cls, value: SecretStr | None, info: Any) -> SecretStr | None:
        if bool(value) != bool(info.data.get("access_key_id")):
            raise ValueError(
                "and ALIBABA_CLOUD_ACCESS_KEY_ID go together: set both, or neither to use the "
                "default credentials chain"
            )
        return value

    @property
    def approval_keys(self) -> ApprovalKeys:
        """The keys that sign approvals, newest first.  Empty if approvals are not signed."""
        if self.approval_key is None:
            return ApprovalKeys()
        keys = self.approval_key.get_secret_value().split(",")
        return ApprovalKeys(tuple(key.encode() for key in keys))

    @property
    def limits(self) -> Limits:
        """The limits per person."""
        return Limits(
            self.requests_a_minute,
            self.waiting_per_person,
            self.joined_per_person,
            self.refusals_an_hour,
        )

    @property
    def writable_by_others(self) -> list[Path]:
        """The policy and `.env`, where more than their owner may change them.

        No more than a warning: a volume in Kubernetes with an fsGroup is its group's to write.
        https://kubernetes.io/docs/tasks/configure-pod-container/security-context/
        """
        files = [file for file in (self.policy, Path(ENV_FILE)) if file.is_file()]
        return [file for file in files if file.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH)]

    @property
    def bind(self) -> tuple[str, int]:
        """Host and port of HTTP mode."""
        return _split(self.http_bind)

    @property
    def status_address(self) -> tuple[str, int] | None:
        """Host and port of the status listener, or None."""
        return _split(self.status_bind) if self.status_bind else None


def _is_in_memory(url: URL) -> bool:
    """Return whether each connection to a SQLite database would have its own database."""
    file = (url.database or "").removeprefix("file:")
    return file in {"", ":memory:"} or url.query.get("mode") == "memory"


VARIABLES = frozenset(str(field.validation_alias) for field in Settings.model_fields.values())
"""The names of all settings."""


def _split(host_and_port: str) -> tuple[str, int]:
    host, _, port = host_and_port.rpartition(":")
    return host.strip("[]"), int(port)


def read_settings(model: type[S], **given: Any) -> S:
    """Read the settings of `model` from the environment and `.env`.  `given` override these.

    Raises: SettingsInvalid, naming every invalid variable, but never its value.
    """
    settings: S | None = None
    mistakes: list[str] = []
    try:
        names = _names(model, given)
        mistakes += not_ours(names, VARIABLES)
        settings = model(**given)
    except ValidationError as error:
        mistakes += [_mistake(detail) for detail in error.errors(include_input=False)]
        mistakes += nearly_ours(names, VARIABLES)
    except (OSError, UnicodeDecodeError):
        mistakes.append("the file .env cannot be read, or is no text in UTF-8")
    if settings is not None and not mistakes:
        return settings
    # Outside the handler: the original error holds the values, and would be shown as the cause.
    # https://github.com/pydantic/pydantic-settings/issues/256
    told = "\n".join(f"  {mistake}" for mistake in mistakes)
    raise SettingsInvalid(SETTINGS_INVALID, mistakes=told)


def settings_from(variables: Mapping[str, str]) -> Settings:
    """Return the settings of these variables only, ignoring the environment.

    Raises: SettingsInvalid.
    """
    return read_settings(_GivenSettings, **variables)


class _GivenSettings(Settings):
    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  (pydantic's signature)
        init_settings: PydanticBaseSettingsSource,
        *_: Any,
        **__: Any,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def _names(model: type[BaseSettings], given: Mapping[str, Any]) -> set[str]:
    """Return the names of the variables that are set, except those that Kubernetes sets.

    Raises: OSError, UnicodeDecodeError if `.env` cannot be read.
    """
    if issubclass(model, _GivenSettings):
        return set(given)
    set_here = {
        name
        for name, value in EnvSettingsSource(model).env_vars.items()
        if value and not is_service_link(name, value)
    }
    return {*given, *set_here, *DotEnvSettingsSource(model).env_vars}


def _mistake(detail: Any) -> str:
    where = ".".join(str(part) for part in detail["loc"])
    if where in Settings.model_fields:  # the error of a default names the field, not the variable
        where = str(Settings.model_fields[where].validation_alias)
    problem = "is missing" if detail["type"] == "missing" else detail["msg"]
    problem = problem.removeprefix("Value error, ")
    return f"{where} {problem}" if where else problem
