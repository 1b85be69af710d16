// One message: who, when, for whom, and what it said before.
import { html, useContext, useId, useMemo, useState } from "./preact.js";
import { Actions } from "./actions.js";
import { nameOf, Names } from "./atoms.js";
import { Blocks } from "./blocks.js";
import { clock, exact } from "./dates.js";
import { Place } from "./elements.js";
import { Emoji } from "./emoji.js";
import { Icon } from "./icons.js";
import { Mrkdwn, Text } from "./mrkdwn.js";
import { Avatar, Badge } from "./people.js";

/** `joined`: the line above is by the same person, so the name is not said again. */
export function Message({ message, channel, replies = [], joined = false }) {
  const { people } = useContext(Names);
  const { press } = useContext(Actions);
  const person = people.get(message.user) ?? { real_name: message.username, kind: message.bot_id ? "bot" : "member" };
  const at = Number(message.ts);
  const place = useMemo(() => ({
    press: (block_id, action_id, selected) => press({ channel, ts: message.ts }, block_id, action_id, selected),
  }), [press, channel, message.ts]);
  return html`<article class="message" data-ts=${message.ts} data-joined=${joined ? "" : undefined}
      data-ephemeral=${message.ephemeral ? "" : undefined} aria-label=${`${nameOf(person)}, ${clock(at)}`}>
    ${message.ephemeral && html`<p class="only-you"><${Icon} name="eye" size=${16} /><span>Only visible to you</span></p>`}
    <div class="gutter">${joined ? html`<${Time} at=${at} />` : html`<${Avatar} person=${person} />`}</div>
    <div class="message-body">
      ${!joined && html`<header><strong>${nameOf(person)}</strong><${Badge} person=${person} /><${Time} at=${at} /></header>`}
      ${message.broadcast && html`<p class="command"><${Icon} name="replies" size=${14} /> <span>Replied to a thread</span></p>`}
      ${message.command && html`<p class="command"><${Icon} name="right" size=${14} />
        <span class="hidden">Answer to </span><code>${message.command}</code></p>`}
      <${Place.Provider} value=${place}><${Content} message=${message} /><//>
      ${replies.length > 0 && html`<${Thread} replies=${replies} channel=${channel} />`}
    </div>
  </article>`;
}

const Time = ({ at }) => html`<time class="at" dateTime=${new Date(at * 1000).toISOString()} title=${exact(at)}>${clock(at)}</time>`;

function Content({ message }) {
  const { blocks, attachments, text, edited, history, reactions } = message;
  return html`
    ${blocks?.length ? html`<div class="blocks"><${Blocks} blocks=${blocks} /></div>` : text && html`<${Mrkdwn} text=${text} />`}
    ${attachments?.map((attachment) => html`<${Attachment} of=${attachment} />`)}
    ${edited && html`<${Edited} history=${history ?? []} />`}
    ${reactions?.length > 0 && html`<div class="reactions">${reactions.map((name) => html`<span><${Emoji} name=${name} /> 1</span>`)}</div>`}`;
}

function Attachment({ of }) {
  const color = { good: "#2eb67d", warning: "#ecb22e", danger: "#e01e5a" }[of.color] ?? (of.color ? `#${of.color.replace("#", "")}` : undefined);
  const written = (text) => html`<${Mrkdwn} text=${text} />`;
  return html`<div class="attachment" style=${{ borderLeftColor: color }}>
    ${of.pretext && written(of.pretext)}${of.title && html`<strong>${written(of.title)}</strong>`}
    ${of.blocks ? html`<div class="blocks"><${Blocks} blocks=${of.blocks} /></div>` : written(of.text ?? of.fallback ?? "")}
    ${of.fields && html`<div class="fields">${of.fields.map((field) => html`
      <div><strong>${field.title}</strong>${written(field.value)}</div>`)}</div>`}
    ${of.footer && html`<small class="quiet"><${Text} of=${of.footer} /></small>`}</div>`;
}

function Edited({ history }) {
  const [open, setOpen] = useState(false);
  const id = useId();
  if (!history.length) return html`<span class="edited">(edited)</span>`;
  return html`<button type="button" class="edited" aria-expanded=${String(open)} aria-controls=${id}
      title="Show earlier versions" onClick=${() => setOpen(!open)}>(edited)</button>
    ${open && html`<ol class="history" id=${id} aria-label="Earlier versions">${history.map((version) => html`<li>
      <${Time} at=${Number(version.at)} /><div>${version.blocks?.length
        ? html`<div class="blocks" inert><${Blocks} blocks=${version.blocks} /></div>`
        : html`<${Mrkdwn} text=${version.text} />`}</div></li>`)}</ol>`}`;
}

function Thread({ replies, channel }) {
  const [open, setOpen] = useState(false);
  const count = `${replies.length} ${replies.length === 1 ? "reply" : "replies"}`;
  return html`<div class="thread">
    <button type="button" class="thread-toggle" aria-expanded=${String(open)} onClick=${() => setOpen(!open)}>
      <${Icon} name="replies" size=${16} /> <strong>${count}</strong> <span class="quiet">Last reply at ${clock(Number(replies.at(-1).ts))}</span></button>
    ${open && replies.map((reply) => html`<${Message} key=${reply.ts} message=${reply} channel=${channel} />`)}
  </div>`;
}
