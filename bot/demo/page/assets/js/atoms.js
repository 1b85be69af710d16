// The indivisible parts of a text (mentions, links, dates), shared by all three text formats.
import { createContext, html, useContext } from "./preact.js";
import { exact, worded } from "./dates.js";

/** Who and what can be named: { people, groups, channels: Map by ID, me, now, openChannel }. */
export const Names = createContext(null);

const ENTITIES = { "&lt;": "<", "&gt;": ">", "&amp;": "&" };
export const unescape = (text) => String(text).replace(/&(?:lt|gt|amp);/g, (entity) => ENTITIES[entity]);

export function nameOf(person, fallback = "someone") {
  return person?.real_name || person?.name || fallback;
}

export function UserMention({ id, label }) {
  const { people, me } = useContext(Names);
  const name = nameOf(people.get(id), label || id);
  return html`<span class=${id === me ? "mention mention-me" : "mention"}>@${name}</span>`;
}

export function GroupMention({ id, label }) {
  const { groups, me } = useContext(Names);
  const group = groups.get(id);
  const mine = group?.users?.includes(me);
  const handle = (group?.handle || label || id).replace(/^@/, "");
  return html`<span class=${mine ? "mention mention-me" : "mention"} title=${group?.name}>@${handle}</span>`;
}

export function Broadcast({ range }) {
  return html`<span class="mention mention-me">@${range}</span>`;
}

export function ChannelMention({ id, label }) {
  const { channels, openChannel } = useContext(Names);
  const channel = channels.get(id);
  if (!channel) return html`<span class="mention">${label ? `#${label}` : "private channel"}</span>`;
  return html`<button type="button" class="mention" onClick=${() => openChannel(id)}>#${channel.name}</button>`;
}

/** A link that can only lead to a web page or a mailbox; any other target stays text. */
export function Link({ href, children }) {
  if (!/^(https?:|mailto:)/i.test(href)) return html`<span>${children}</span>`;
  return html`<a href=${href} target="_blank" rel="noopener noreferrer">${children}</a>`;
}

export function DateText({ at, pattern, href, fallback }) {
  const { now } = useContext(Names);
  if (!Number.isFinite(at) || Math.abs(at) > 8.64e12) return fallback ?? "";
  const time = html`<time dateTime=${new Date(at * 1000).toISOString()} title=${exact(at)}>
    ${worded(at, pattern, now)}</time>`;
  return href ? html`<${Link} href=${href}>${time}<//>` : time;
}
