// Slack's `rich_text` block: sections, lists, quotes and code, made of styled pieces.
import { html } from "./preact.js";
import { Broadcast, ChannelMention, DateText, GroupMention, Link, UserMention } from "./atoms.js";
import { Emoji } from "./emoji.js";

export function RichText({ block }) {
  return html`<div class="rich-text">${each(block.elements, part)}</div>`;
}

const each = (list, show) => (Array.isArray(list) ? list.map(show) : null);

function part(element) {
  const pieces = each(element.elements, piece);
  switch (element.type) {
    case "rich_text_list":
      return list(element);
    case "rich_text_quote":
      return html`<blockquote class="mrkdwn-lines">${pieces}</blockquote>`;
    case "rich_text_preformatted":
      return html`<pre>${pieces}</pre>`;
    default:
      return html`<div class="mrkdwn-lines">${pieces}</div>`;
  }
}

function list(element) {
  const items = each(element.elements, (item) => html`<li>${each(item.elements, piece)}</li>`);
  const depth = Math.min(4, element.indent ?? 0);
  return element.style === "ordered"
    ? html`<ol data-depth=${depth} start=${(element.offset ?? 0) + 1}>${items}</ol>`
    : html`<ul data-depth=${depth}>${items}</ul>`;
}

const PIECES = {
  text: (of) => of.text,
  link: (of) => html`<${Link} href=${of.url ?? ""}>${of.text || of.url}<//>`,
  user: (of) => html`<${UserMention} id=${of.user_id} />`,
  usergroup: (of) => html`<${GroupMention} id=${of.usergroup_id} />`,
  channel: (of) => html`<${ChannelMention} id=${of.channel_id} />`,
  broadcast: (of) => html`<${Broadcast} range=${of.range} />`,
  emoji: (of) => html`<${Emoji} name=${of.name} />`,
  date: (of) => html`<${DateText} at=${of.timestamp} pattern=${of.format ?? "{date_num}"} href=${of.url} fallback=${of.fallback} />`,
  color: (of) => html`<span class="swatch" style=${{ backgroundColor: of.value }}></span>${of.value}`,
};

function piece(of) {
  const shown = PIECES[of.type]?.(of) ?? of.text ?? "";
  const { bold, italic, strike, code } = of.style ?? {};
  let styled = code ? html`<code>${shown}</code>` : shown;
  if (strike) styled = html`<s>${styled}</s>`;
  if (italic) styled = html`<em>${styled}</em>`;
  return bold ? html`<strong>${styled}</strong>` : styled;
}
