// Channels, direct messages and people.
import { html, useContext } from "./preact.js";
import { nameOf, Names } from "./atoms.js";
import { Icon } from "./icons.js";
import { Avatar, Badge, cast, PersonRow } from "./people.js";

export function Sidebar({ team, current, open, speakAs }) {
  const { channels, people, me } = useContext(Names);
  const all = [...channels.values()];
  const rooms = all.filter(({ kind }) => kind !== "im").sort((a, b) => a.name.localeCompare(b.name));
  const talks = all.filter(({ kind }) => kind === "im");
  const row = (channel) => {
    const unread = channel.id === current ? 0 : channel.unread;
    return html`<li key=${channel.id}><button type="button" class="place" data-unread=${unread ? "" : undefined}
      aria-current=${channel.id === current ? "page" : undefined} onClick=${() => open(channel.id)}>
      <${PlaceName} channel=${channel} />${unread > 0 && html`<span class="count">${unread}<span class="hidden"> unread</span></span>`}</button></li>`;
  };
  return html`<nav class="sidebar" aria-label="Places and people">
    <p class="team">${team?.name ?? "Workspace"}</p>
    <h2>Channels</h2><ul>${rooms.map(row)}</ul>
    <h2>Direct messages</h2><ul>${talks.map(row)}</ul>
    <h2>Speak as</h2><ul class="cast">${cast(people).map((person) => html`<li key=${person.id}>
      <button type="button" class="place" disabled=${person.kind === "deleted"} aria-pressed=${String(person.id === me)}
        onClick=${() => speakAs(person.id)}><${PersonRow} person=${person} /></button></li>`)}</ul>
  </nav>`;
}

/** A channel's sign and name; a direct message goes by the other person. */
export function PlaceName({ channel, size = 20 }) {
  const other = useOther(channel);
  if (other) return html`<${Avatar} person=${other} size=${size} /><span class="place-name">${nameOf(other)}</span><${Badge} person=${other} />`;
  return html`<${Icon} name=${channel.kind === "private" ? "lock" : "hash"} size=${16} /><span class="place-name">${channel.name}</span>`;
}

export function useOther(channel) {
  const { people, me } = useContext(Names);
  if (channel?.kind !== "im") return null;
  return people.get(channel.members.find((id) => id !== me) ?? me);
}
