// The `markdown` block: the part of standard Markdown that Slack documents for it.
//
//   block  = # heading | ```fence | > quote | - item | 1. item | | table | | --- | paragraph
//   inline = `code` | [label](url) | **bold** | __bold__ | *italic* | _italic_ | ~~strike~~ | URL
import { html } from "./preact.js";
import { Link } from "./atoms.js";
import { Plain } from "./mrkdwn.js";

export function Markdown({ text }) {
  return html`<div class="markdown">${blocks(String(text ?? "").split("\n"))}</div>`;
}

const ITEM = /^(\s*)(?:[-*+]|(\d{1,9})[.)])\s+(?:\[([ xX])\]\s)?/;
const RULE = /^\s*([-*_])(?:\s*\1){2,}\s*$/;
const DASHES = /^\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$/;

// Each reader is tried in turn on the lines from `at` on: [its first line, its end, what it makes].
const READERS = [
  { opens: (line) => /^\s*```/.test(line), take: fence },
  { opens: (line) => /^#{1,6}\s/.test(line), take: (lines, at) => [heading(lines[at]), at + 1] },
  { opens: (line) => RULE.test(line), take: (_, at) => [html`<hr />`, at + 1] },
  { opens: (line, after) => line.includes("|") && DASHES.test(after ?? "") && after.includes("|"), take: table },
  { opens: (line) => /^\s*>/.test(line), take: quote },
  { opens: (line) => ITEM.test(line), take: list },
  { opens: (line) => !line.trim(), take: (_, at) => [null, at + 1] },
];
const reader = (lines, at) => READERS.find(({ opens }) => opens(lines[at], lines[at + 1]));

function blocks(lines) {
  const made = [];
  for (let at = 0; at < lines.length; ) {
    const [block, end] = (reader(lines, at)?.take ?? paragraph)(lines, at);
    made.push(block);
    at = end;
  }
  return made;
}

function paragraph(lines, at) {
  let end = at + 1;
  while (end < lines.length && !reader(lines, end)) end += 1;
  return [html`<p>${inline(lines.slice(at, end).join("\n"))}</p>`, end];
}

function heading(line) {
  const [mark] = /^#+/.exec(line);
  return html`<p class="markdown-heading" data-level=${mark.length}>${inline(line.slice(mark.length).trim())}</p>`;
}

function fence(lines, at) {
  let end = at + 1;
  while (end < lines.length && !/^\s*```\s*$/.test(lines[end])) end += 1;
  return [html`<pre>${lines.slice(at + 1, end).join("\n")}</pre>`, end + 1];
}

function quote(lines, at) {
  let end = at;
  while (end < lines.length && /^\s*>/.test(lines[end])) end += 1;
  const inner = lines.slice(at, end).map((line) => line.replace(/^\s*> ?/, ""));
  return [html`<blockquote>${blocks(inner)}</blockquote>`, end];
}

function list(lines, at) {
  const items = [];
  let end = at;
  for (let found; end < lines.length && (found = ITEM.exec(lines[end])); end += 1) {
    const [start, indent, number, task] = found;
    const body = inline(lines[end].slice(start.length));
    const box = task === undefined ? null : html`<input type="checkbox" disabled checked=${task !== " "} aria-label=${task === " " ? "to do" : "done"} />`;
    const marker = box ?? (number ? `${number}.` : "•");
    items.push(html`<div class="mrkdwn-item" data-depth=${Math.min(3, Math.floor(indent.length / 2))}>
      <span>${marker}</span><span>${body}</span></div>`);
  }
  return [html`<div>${items}</div>`, end];
}

function table(lines, at) {
  const cells = (line) => line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => inline(cell.trim()));
  let end = at + 2;
  while (end < lines.length && lines[end].includes("|")) end += 1;
  const rows = lines.slice(at + 2, end).map((line) => html`<tr>${cells(line).map((cell) => html`<td>${cell}</td>`)}</tr>`);
  const head = cells(lines[at]).map((cell) => html`<th scope="col">${cell}</th>`);
  return [html`<div class="table-scroll" tabindex="0" role="group" aria-label="Table">
    <table><thead><tr>${head}</tr></thead><tbody>${rows}</tbody></table></div>`, end];
}

const INLINE = /`([^`\n]+)`|!?\[([^\]\n]*)\]\(([^()\s]+)\)|(\*\*|__)(?=\S)([^\n]+?)(?<=\S)\4|([*_])(?=\S)([^*_\n]+)(?<=\S)\6|~~([^~\n]+)~~|(https?:\/\/[^\s<>]+(?<![.,;:!?)]))/;

function inline(text) {
  const parts = [];
  let rest = text;
  for (let found = INLINE.exec(rest); found; found = INLINE.exec(rest)) {
    const [whole, code, label, href, , bold, , italic, strike, url] = found;
    parts.push(html`<${Plain} text=${rest.slice(0, found.index)} />`);
    if (code !== undefined) parts.push(html`<code>${code}</code>`);
    else if (href !== undefined) parts.push(html`<${Link} href=${href}>${inline(label)}<//>`);
    else if (bold !== undefined) parts.push(html`<strong>${inline(bold)}</strong>`);
    else if (italic !== undefined) parts.push(html`<em>${inline(italic)}</em>`);
    else if (strike !== undefined) parts.push(html`<s>${inline(strike)}</s>`);
    else parts.push(html`<${Link} href=${url}>${url}<//>`);
    rest = rest.slice(found.index + whole.length);
  }
  parts.push(html`<${Plain} text=${rest} />`);
  return parts;
}
