"""Slack's payloads, validated by models before Bolt or a listener uses them.

A signature proves the sender of a payload, but not its form or size.  A payload with another form
than Slack documents is `Unreadable`, and only validated fields are passed on, also to Bolt.
"""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from bot.slack.client import leads_to_slack

MAX_FIELDS = 100
_PURGE_ID = re.compile("P[0-9A-Z]{13}")


def _way_back(url: str, info: ValidationInfo) -> str:
    """Drop a response URL that is not Slack's.  There are other ways to answer."""
    return url if leads_to_slack(url, (info.context or {}).get("api_url", "")) else ""


Id = Annotated[str, StringConstraints(pattern="^[A-Z][A-Z0-9]{0,31}$")]
"""The ID of a person, a channel, a workspace, an organisation or a view."""
OptionalId = Annotated[str, StringConstraints(pattern="^([A-Z][A-Z0-9]{0,31})?$")] | None
Name = Annotated[str, StringConstraints(max_length=255)]
TriggerId = Annotated[str, StringConstraints(pattern="^[!-~]{1,255}$")]
ResponseUrl = Annotated[str, AfterValidator(_way_back)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Command(_Model):
    """A slash command.  The limit of `text` exceeds all tags of a purge, and any typed text."""

    command: Name
    text: Annotated[str, StringConstraints(max_length=40_000)] = ""
    trigger_id: TriggerId
    user_id: Id
    channel_id: Id
    team_id: OptionalId = None
    enterprise_id: OptionalId = None
    response_url: ResponseUrl = ""

    @property
    def sender(self) -> str:
        return self.user_id


class _Team(_Model):
    id: OptionalId = None
    enterprise_id: OptionalId = None


class _User(_Model):
    id: Id
    team_id: OptionalId = None


class _Named(_Model):
    id: Id


class _Container(_Model):
    channel_id: OptionalId = None
    is_ephemeral: bool = False


class _Action(_Model):
    action_id: Name
    value: Annotated[str, StringConstraints(max_length=2000)] | None = None


class _Block(_Model):
    block_id: Name | None = None
    element: Any = Field(None, exclude=True)


class _Input(_Model):
    value: Annotated[str, StringConstraints(max_length=3000)] | None = None


class _State(_Model):
    values: Annotated[dict[Name, dict[Name, _Input]], Field(max_length=MAX_FIELDS)] = {}


class View(_Model):
    id: Id
    type: Literal["modal", "home"] = "modal"
    callback_id: Name = ""
    private_metadata: Annotated[str, StringConstraints(max_length=3000)] = ""
    team_id: OptionalId = None
    app_installed_team_id: OptionalId = None
    blocks: Annotated[list[_Block], Field(max_length=MAX_FIELDS)] = []
    state: _State = _State()

    @property
    def press_id(self) -> str | None:
        """The trigger ID of the press that opened it, as claimed: only a key for a lookup."""
        try:
            return _Metadata.model_validate_json(self.private_metadata).press
        except ValidationError:
            return None


class _Metadata(_Model):
    press: TriggerId


class _Click(_Model):
    trigger_id: TriggerId
    user: _User
    team: _Team | None = None
    enterprise: _Named | None = None

    @property
    def sender(self) -> str:
        return self.user.id


class Press(_Click):
    """A press on a button.  If Slack sends several actions, the first one was pressed."""

    type: Literal["block_actions"]
    actions: Annotated[list[_Action], Field(min_length=1, max_length=MAX_FIELDS)]
    channel: _Named | None = None
    container: _Container | None = None
    view: View | None = None
    response_url: ResponseUrl = ""

    @model_validator(mode="after")
    def _is_somewhere(self) -> Press:
        if self.view is None and not self.channel_id:
            raise ValueError("neither in a channel nor in a form")
        return self

    @property
    def value(self) -> str:
        return self.actions[0].value or ""

    @property
    def purge_id(self) -> str | None:
        """The ID of a purge that the button carries, if it has that form."""
        return self.value if _PURGE_ID.fullmatch(self.value) else None

    @property
    def is_aside(self) -> bool:
        """Whether the button was on a message that only the presser sees."""
        return self.container is not None and self.container.is_ephemeral

    @property
    def channel_id(self) -> str:
        return (self.channel and self.channel.id) or (
            (self.container and self.container.channel_id) or ""
        )


class Form(_Click):
    type: Literal["view_submission"]
    view: View

    def written(self, field: str) -> str:
        """Return the text of a field."""
        found = self.view.state.values.get(field, {}).get(field)
        return (found.value if found else None) or ""

    @property
    def field(self) -> str | None:
        """The first field, below which an error can be shown."""
        ids = (each.block_id for each in self.view.blocks if each.element is not None)
        return next((each for each in ids if each), None)


class SslCheck(_Model):
    """Slack's check that the server exists."""

    ssl_check: Literal["1"]


class UrlVerification(_Model):
    type: Literal["url_verification"]
    challenge: Name


Payload = Command | Press | Form
_KINDS: dict[str, type[Payload | SslCheck | UrlVerification]] = {
    "command": Command,
    "block_actions": Press,
    "view_submission": Form,
    "ssl_check": SslCheck,
    "url_verification": UrlVerification,
}


class Unreadable(Exception):
    """A payload that is not Slack's.  `kind` is its claimed kind, and `where` lists the errors."""

    def __init__(self, kind: str | None, where: str = "") -> None:
        self.kind = kind
        self.where = where
        super().__init__(kind, where)


class NotOurs(Exception):
    """A payload of a kind that this app did not request from Slack."""


def parse(text: str) -> Any:
    """Return the content of a request's body: JSON, a form, or JSON in a form.

    A form whose text only contains the word "payload", for instance in a tag, is a form.
    Raises: ValueError, RecursionError.
    """
    if text.startswith("{"):
        return json.loads(text)
    form = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS))
    return json.loads(form["payload"]) if "payload" in form else form


def read(payload: Any, api_url: str) -> Payload | SslCheck | UrlVerification:
    """Validate a payload.  Raises: Unreadable, NotOurs."""
    kind = _kind_of(payload)
    if kind not in _KINDS:
        raise NotOurs
    try:
        return _KINDS[kind].model_validate(payload, context={"api_url": api_url})
    except (ValidationError, RecursionError) as error:
        faults = error.errors() if isinstance(error, ValidationError) else []
        where = (".".join(map(str, fault["loc"])) for fault in faults[:5])
        raise Unreadable(kind, ", ".join(where)[:200]) from None


def _kind_of(payload: Any) -> str:
    if not isinstance(payload, dict):
        raise Unreadable(None)
    kinds = [kind for kind in ("ssl_check", "command") if kind in payload]
    kind = kinds[0] if kinds else payload.get("type")
    if not isinstance(kind, str):
        raise Unreadable(None)
    return kind
