// The middle column: a channel's head, its messages by day, and the box to write in.
import { html, useContext, useEffect, useLayoutEffect, useMemo, useRef, useState } from "./preact.js";
import { Actions } from "./actions.js";
import { nameOf, Names } from "./atoms.js";
import { Composer } from "./composer.js";
import { dayName, sameDay } from "./dates.js";
import { Icon } from "./icons.js";
import { Message } from "./message.js";
import { Avatar } from "./people.js";
import { PlaceName, useOther } from "./sidebar.js";
import { Home } from "./views.js";

const JOIN_S = 5 * 60;
/** So near the end, the reader is at the end. */
const NEAR_PX = 60;

export function Channel({ channel, messages, home, commands, draft, setDraft, speakAs }) {
  const { openHome } = useContext(Actions);
  const other = useOther(channel);
  const [tab, setTab] = useState("messages");
  useEffect(() => setTab("messages"), [channel.id]);
  const isApp = other?.kind === "bot";
  function show(next) {
    setTab(next);
    if (next === "home") openHome();
  }
  return html`<section class="channel" aria-labelledby="channel-name">
    <${Head} channel=${channel} />
    ${isApp && html`<div class="tabs" role="group" aria-label="App">${["home", "messages"].map((name) => html`<button type="button"
      aria-pressed=${String(tab === name)} onClick=${() => show(name)}>${name === "home" ? "Home" : "Messages"}</button>`)}</div>`}
    ${isApp && tab === "home" ? html`<div class="scroll"><${Home} view=${home} /></div>` : html`
      <${Messages} key=${channel.id} channel=${channel} messages=${messages} />
      <${Foot} channel=${channel} commands=${commands} draft=${draft} setDraft=${setDraft} speakAs=${speakAs} />`}
  </section>`;
}

function Head({ channel }) {
  const { people } = useContext(Names);
  const faces = channel.members.map((id) => people.get(id)).filter(Boolean);
  const names = faces.map((person) => nameOf(person)).join(", ");
  return html`<header class="channel-head">
    <h2 id="channel-name"><${PlaceName} channel=${channel} size=${24} /></h2>
    <p class="topic">${channel.topic}</p>
    ${channel.kind !== "im" && html`<span class="faces" title=${names}>
      ${faces.slice(0, 3).map((person) => html`<${Avatar} person=${person} size=${22} />`)}
      <span>${faces.length}<span class="hidden"> members: ${names}</span></span></span>`}
  </header>`;
}

/** Below the messages: the box, or what stands in its way. */
function Foot({ channel, commands, draft, setDraft, speakAs }) {
  const { me, people } = useContext(Names);
  const { invite } = useContext(Actions);
  const bot = [...people.values()].find(({ kind }) => kind === "bot");
  if (!channel.members.includes(me)) {
    return html`<div class="foot-note"><span>You are looking at <strong>#${channel.name}</strong> from outside.</span>
      <button type="button" class="button primary" onClick=${() => invite(channel.id, me)}>Join channel</button></div>`;
  }
  const alone = channel.kind !== "im" && !channel.bot_in && bot;
  return html`${alone && html`<p class="foot-hint"><${Icon} name="info" size=${16} /> ${nameOf(bot)} is not in this channel.
      <button type="button" class="linklike" onClick=${() => invite(channel.id, bot.id)}>Invite it</button></p>`}
    <${Composer} channel=${channel} commands=${commands} draft=${draft} setDraft=${setDraft} speakAs=${speakAs} />`;
}

function Messages({ channel, messages }) {
  const { now } = useContext(Names);
  const box = useRef(null);
  // How far down the end was when the reader was last there; null for who reads further up.
  const end = useRef(0);
  const [behind, setBehind] = useState(false);
  const { roots, repliesTo } = useMemo(() => threaded(messages), [messages]);
  const endOf = ({ scrollHeight, clientHeight }) => scrollHeight - clientHeight;
  const isNear = (there) => box.current.scrollTop > there - NEAR_PX;
  // Asked of the box itself, not remembered from its events: a scroll is told one frame late, and
  // by then a new message or a grown card may have come.
  const atEnd = () => isNear(endOf(box.current)) || (end.current !== null && isNear(end.current));
  function toEnd() {
    end.current = endOf(box.current);
    box.current.scrollTo({ top: end.current });
  }

  useLayoutEffect(() => (atEnd() ? toEnd() : setBehind(true)), [messages.length]);
  useEffect(() => {
    // Cards grow and the box shrinks (a keyboard, a new line): who reads the end stays at the end.
    const watcher = new ResizeObserver(() => box.current && atEnd() && toEnd());
    watcher.observe(box.current);
    watcher.observe(box.current.firstElementChild);
    return () => watcher.disconnect();
  }, []);
  function scrolled() {
    if (isNear(endOf(box.current))) end.current = endOf(box.current);
    else if (!atEnd()) end.current = null;
    if (end.current !== null) setBehind(false);
  }
  return html`<div class="scroll" ref=${box} onScroll=${scrolled} tabindex="0" role="log" aria-label="Messages">
      <div class="messages">
        ${roots.length === 0 && html`<p class="empty">Nothing has been said here yet.</p>`}
        ${roots.map((message, i) => html`
          ${!(i && sameDay(roots[i - 1].ts, message.ts)) && html`<div class="day" key=${`day ${message.ts}`}>
            <span>${dayName(Number(message.ts), now)}</span></div>`}
          <${Message} key=${message.ts} message=${message} channel=${channel.id}
            replies=${repliesTo.get(message.ts)} joined=${joins(roots[i - 1], message)} />`)}
      </div>
    </div>
    ${behind && html`<button type="button" class="jump" onClick=${() => toEnd()}><${Icon} name="down" size=${14} /> New messages</button>`}`;
}

/** Replies whose first message is not here stand among the others, and so do those sent to the channel as well. */
function threaded(messages) {
  const known = new Set(messages.map(({ ts }) => ts));
  const isReply = ({ ts, thread_ts }) => thread_ts && thread_ts !== ts && known.has(thread_ts);
  const repliesTo = new Map();
  for (const reply of messages.filter(isReply)) {
    repliesTo.set(reply.thread_ts, [...(repliesTo.get(reply.thread_ts) ?? []), reply]);
  }
  return { roots: messages.filter((message) => message.broadcast || !isReply(message)), repliesTo };
}

function joins(before, message) {
  const plain = (of) => !of.blocks?.length && !of.ephemeral && !of.command && !of.broadcast;
  return Boolean(before && before.user === message.user && plain(before) && plain(message)
    && sameDay(before.ts, message.ts) && message.ts - before.ts < JOIN_S);
}
