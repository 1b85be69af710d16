"""Events of the Events API, for what the app has subscribed to (`events` of the world).

app_home_opened            somebody opened the app's Home tab
message.im .channels …     somebody wrote where the bot is
subteam_members_changed    somebody entered or left a usergroup
member_joined_channel, member_left_channel
"""

from __future__ import annotations

from bot.simulators.slack.events.delivery import Courier
from bot.simulators.slack.events.payloads import event_callback
from bot.simulators.slack.workspace import objects
from bot.simulators.slack.workspace.model import Channel, Group, Json, Message, Person
from bot.simulators.slack.workspace.state import Workspace

_MESSAGE_EVENT = {"public": "channels", "private": "groups", "im": "im"}


class Events:
    def __init__(self, workspace: Workspace, courier: Courier) -> None:
        self._workspace = workspace
        self._courier = courier

    def home_opened(self, person: Person) -> None:
        workspace = self._workspace
        event: Json = {
            "type": "app_home_opened",
            "user": person.id,
            "channel": workspace.open_dm(person.id).id,
            "tab": "home",
        }
        if home := workspace.homes.get(person.id):
            event["view"] = objects.view(workspace, home)
        self._send("app_home_opened", event)

    def message_posted(self, channel: Channel, message: Message) -> None:
        workspace = self._workspace
        if workspace.bot_user not in channel.members:
            return
        stem = _MESSAGE_EVENT[channel.kind]
        kind = "im" if channel.kind == "im" else stem.removesuffix("s")
        event = {
            **objects.message(workspace, message),
            "channel": channel.id,
            "channel_type": kind,
        }
        self._send(f"message.{stem}", event)

    def group_changed(self, group: Group, before: list[str]) -> None:
        added = [user for user in group.users if user not in before]
        removed = [user for user in before if user not in group.users]
        if not added and not removed:
            return
        now = int(self._workspace.now())
        event = {
            "type": "subteam_members_changed",
            "subteam_id": group.id,
            "team_id": self._workspace.team["id"],
            "date_previous_update": now,
            "date_update": now,
            "added_users": added,
            "added_users_count": len(added),
            "removed_users": removed,
            "removed_users_count": len(removed),
        }
        self._send("subteam_members_changed", event)

    def member_moved(self, channel: Channel, user: str, *, joined: bool) -> None:
        name = "member_joined_channel" if joined else "member_left_channel"
        is_told = user == self._workspace.bot_user or self._workspace.bot_user in channel.members
        if is_told:
            event = {
                "type": name,
                "user": user,
                "channel": channel.id,
                "channel_type": "C" if channel.kind == "public" else "G",
                "team": self._workspace.team["id"],
            }
            self._send(name, event)

    def _send(self, subscription: str, event: Json) -> None:
        if subscription in self._workspace.events:
            self._courier.deliver_event(event_callback(self._workspace, event))
