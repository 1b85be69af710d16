// Slack's mrkdwn as elements, never as HTML: what somebody typed can only ever become text.
//
//   text   = what stands outside of atoms, in lines
//   atom   = ```code block``` | `code` | <…> | :emoji:
//   <…>    = <@U…|name> | <#C…|name> | <!subteam^S…|handle> | <!here> | <!date^…> | <url|label>
//   line   = "&gt; quote" | "&gt;&gt;&gt; quote to the end" | "• item" | plain
//   style  = *bold* | _italic_ | ~strike~, between word borders and within one line
//
// Atoms are taken out first and marked by one private character each, so that an underscore in
// a URL or a star in code can never start a style; they come back in reading order.
import { html } from "./preact.js";
import { Broadcast, ChannelMention, DateText, GroupMention, Link, unescape, UserMention } from "./atoms.js";
import { Emoji } from "./emoji.js";

const ATOM = /```([\s\S]+?)```|`([^`\n]+)`|<([^<>\n]+)>|:([a-z0-9_+'-]+):(?::skin-tone-\d:)?|(https?:\/\/(?:(?!&[lg]t;)[^\s<>|*~`])+(?<![.,;:!?"'()[\]]))/g;
const STYLE = /(?<![\p{L}\p{N}*_~])([*_~])(?=\S)((?:(?!\1)[^\n])+)(?<=\S)\1(?![\p{L}\p{N}])/u;
const QUOTE = /^(?:&gt;|>)(?!(?:&gt;|>){2}) ?/;
const QUOTE_REST = /^(?:(?:&gt;|>){3}) ?/m;
const ITEM = /^(\s*)([•◦▪‣-]|\d{1,3}\.)\s+/;
const INLINE = "\uE000";
const BLOCK = "\uE001";
const TAGS = { "*": "strong", _: "em", "~": "s" };

/** A whole mrkdwn text. */
export function Mrkdwn({ text }) {
  const atoms = [];
  const marked = String(text ?? "").replace(/[\uE000\uE001]/g, "").replace(ATOM, (...match) => {
    atoms.push(match);
    return match[1] === undefined ? INLINE : BLOCK;
  });
  const next = () => atom(atoms.shift());
  return html`<div class="mrkdwn">${blocks(marked, next)}</div>`;
}

/** Text without styles: at most emoji mean anything.  `&lt;` is what is read, for nobody has to escape here. */
export function Plain({ text, emoji = true }) {
  const whole = String(text ?? "");
  if (!emoji) return whole;
  return whole.split(/:([a-z0-9_+'-]+):/).map((part, i) => (i % 2 ? html`<${Emoji} name=${part} />` : part));
}

/** A text object: { type: "mrkdwn" | "plain_text", text, emoji? }, or just a string. */
export function Text({ of }) {
  if (!of) return null;
  if (typeof of === "string") return html`<${Plain} text=${of} />`;
  return of.type === "mrkdwn" ? html`<${Mrkdwn} text=${of.text} />` : html`<${Plain} text=${of.text} emoji=${of.emoji !== false} />`;
}

function blocks(text, next) {
  const rest = QUOTE_REST.exec(text);
  if (rest) {
    const before = text.slice(0, rest.index).replace(/\n$/, "");
    const quoted = text.slice(rest.index + rest[0].length);
    return [before && lines(before, next), html`<blockquote>${blocks(quoted, next)}</blockquote>`];
  }
  return lines(text, next);
}

function lines(text, next) {
  const groups = [];
  for (const line of text.split("\n")) {
    const kind = QUOTE.test(line) ? "quote" : ITEM.test(line) ? "item" : "plain";
    const last = groups.at(-1);
    if (last?.kind === kind && kind !== "item") last.lines.push(line);
    else groups.push({ kind, lines: [line] });
  }
  return groups.map((group) => GROUPS[group.kind](group.lines, next));
}

const GROUPS = {
  quote: (all, next) => html`<blockquote>${lines(all.map((line) => line.replace(QUOTE, "")).join("\n"), next)}</blockquote>`,
  item: ([line], next) => {
    const [start, indent, marker] = ITEM.exec(line);
    return html`<div class="mrkdwn-item" data-depth=${Math.min(3, Math.floor(indent.length / 2))}>
      <span>${marker}</span><span>${styled(line.slice(start.length), next)}</span></div>`;
  },
  plain: (all, next) => all.join("\n").split(BLOCK).flatMap((part, i, parts) => {
    // Line breaks beside a code block belong to the block, not to the text around it.
    const body = parts.length > 1 ? part.replace(/^\n|\n$/g, "") : part;
    return [i > 0 && next(), body && html`<div class="mrkdwn-lines">${styled(body, next)}</div>`];
  }),
};

function styled(text, next) {
  const parts = [];
  let rest = text;
  for (let found = STYLE.exec(rest); found; found = STYLE.exec(rest)) {
    const [whole, mark, inner] = found;
    parts.push(...leaves(rest.slice(0, found.index), next));
    parts.push(html`<${TAGS[mark]}>${styled(inner, next)}<//>`);
    rest = rest.slice(found.index + whole.length);
  }
  return [...parts, ...leaves(rest, next)];
}

function leaves(text, next) {
  return text.split(/([\uE000\uE001])/).map((part) => (part === INLINE || part === BLOCK ? next() : unescape(part)));
}

function atom([whole, block, code, angle, emoji, url]) {
  if (block !== undefined) return html`<pre>${unescape(bare(block.replace(/^\n|\n$/g, "")))}</pre>`;
  if (code !== undefined) return html`<code>${unescape(bare(code))}</code>`;
  if (angle !== undefined) return reference(angle);
  if (emoji !== undefined) return html`<${Emoji} name=${emoji} />`;
  return url === undefined ? whole : html`<${Link} href=${unescape(url)}>${unescape(url)}<//>`;
}

/** Code shows a link as its label: nothing inside code is live. */
const bare = (text) => text.replace(/<(?:https?:|mailto:)[^<>\n|]*\|([^<>\n]*)>|<((?:https?:|mailto:)[^<>\n|]*)>/g, "$1$2");

function reference(angle) {
  const bar = angle.indexOf("|");
  const target = bar < 0 ? angle : angle.slice(0, bar);
  const label = bar < 0 ? "" : unescape(angle.slice(bar + 1));
  const id = target.slice(1);
  if (target[0] === "@") return html`<${UserMention} id=${id} label=${label} />`;
  if (target[0] === "#") return html`<${ChannelMention} id=${id} label=${label} />`;
  if (/^(https?|mailto):/i.test(target)) return html`<${Link} href=${unescape(target)}><${Plain} text=${label || unescape(target)} /><//>`;
  if (target[0] !== "!") return unescape(`<${angle}>`);
  const [name, first, pattern, href] = id.split("^");
  if (name === "subteam") return html`<${GroupMention} id=${first} label=${label} />`;
  if (name === "date") {
    const words = unescape(pattern ?? "");
    return html`<${DateText} at=${Number(first)} pattern=${words} href=${href && unescape(href)} fallback=${label} />`;
  }
  return ["here", "channel", "everyone"].includes(name) ? html`<${Broadcast} range=${name} />` : label || `<${angle}>`;
}
