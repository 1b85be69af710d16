// The page: who speaks and where, what both simulators say, and the three columns.
//
//   Top       team, connection, theme, start over
//   Sidebar | Channel | Backstage      the outer two become drawers on narrow screens
import { html, render, useCallback, useContext, useEffect, useMemo, useState } from "./preact.js";
import { Actions, useActions } from "./actions.js";
import { post, useLive } from "./api.js";
import { Names } from "./atoms.js";
import { Backstage } from "./backstage.js";
import { Channel } from "./channel.js";
import { Confirm, Dialog } from "./dialogs.js";
import { Sidebar } from "./sidebar.js";
import { Toasts, useToasts } from "./toasts.js";
import { Top } from "./top.js";
import { Tour, useTour } from "./tour.js";
import { Modal } from "./views.js";

const START = { me: "U0ANA", channel: "C0WEB" };
const byId = (rows) => new Map((rows ?? []).map((row) => [row.id, row]));

function App() {
  const [place, go] = usePlace();
  const [toasts, toast, dropToast] = useToasts();
  const slack = useLive("slack", `?as=${encodeURIComponent(place.me)}`);
  const cdn = useLive("cdn");
  const actions = useActions(place.me, toast);
  if (!slack.data) return html`<${Waiting} error=${slack.error} />`;
  return html`<${Actions.Provider} value=${actions}>
    <${Town} slack=${slack.data} cdn=${cdn.data} error=${slack.error ?? cdn.error} place=${place} go=${go} />
    <${Toasts} toasts=${toasts} drop=${dropToast} /><//>`;
}

function Town({ slack, cdn, error, place, go }) {
  const [drafts, setDrafts] = useState({});
  const [drawer, setDrawer] = useState(null);
  const [askReset, setAskReset] = useState(false);
  const layout = useLayout();
  const tour = useTour(slack, cdn);
  useEffect(() => setDrafts({}), [slack.resets]);
  const channel = slack.channels.find(({ id }) => id === place.channel) ?? slack.channels[0];
  const messages = slack.messages[channel?.id] ?? [];
  useReading(slack.me, channel);
  useEffect(() => setDrawer(null), [place, layout]);

  const openChannel = useCallback((id) => go({ channel: id }), [go]);
  const names = useMemo(() => ({
    people: byId(slack.people), groups: byId(slack.groups), channels: byId(slack.channels),
    me: slack.me, now: slack.now, openChannel,
  }), [slack, openChannel]);
  const draftKey = `${place.me} ${channel?.id}`;
  const setDraft = (next, key = draftKey) => setDrafts((all) => ({ ...all, [key]: typeof next === "function" ? next(all[key] ?? "") : next }));
  const speakAs = (me) => go({ me });

  function perform({ me, channel: where, draft }) {
    go({ me, channel: where });
    if (draft) setDraft(draft, `${me} ${where}`);
    setTimeout(() => document.getElementById("message-box")?.focus());
  }
  const sidebar = html`<${Sidebar} team=${slack.team} current=${channel?.id} open=${openChannel} speakAs=${speakAs} />`;
  const backstage = html`<${Backstage} slack=${slack} cdn=${cdn} titled=${layout === "wide"} />`;
  const view = slack.views?.at(-1);
  return html`<${Names.Provider} value=${names}>
    <a class="skip" href="#message-box" onClick=${skipTo}>Skip to the message box</a>
    <${Top} layout=${layout} connections=${slack.connections} openDrawer=${setDrawer} startOver=${() => setAskReset(true)} tour=${tour} />
    <div class="columns" data-layout=${layout}>
      ${layout !== "phone" && sidebar}
      <main>
        ${error && html`<p class="trouble" role="alert">${error}</p>`}
        <${Tour} tour=${tour} perform=${perform} />
        ${channel && html`<${Channel} channel=${channel} messages=${messages} home=${slack.home} commands=${slack.commands}
          draft=${drafts[draftKey] ?? ""} setDraft=${setDraft} speakAs=${speakAs} />`}
      </main>
      ${layout === "wide" && backstage}
    </div>
    ${drawer === "sidebar" && html`<${Dialog} kind="drawer drawer-left" label="Places and people" onClose=${() => setDrawer(null)}>${sidebar}<//>`}
    ${drawer === "backstage" && html`<${Dialog} kind="drawer drawer-right" label="Backstage" onClose=${() => setDrawer(null)}>${backstage}<//>`}
    ${view && html`<${Modal} key=${view.id} view=${view} />`}
    ${askReset && html`<${StartOver} close=${() => setAskReset(false)} />`}<//>`;
}

/** The link's own jump would replace the place in the address. */
function skipTo(event) {
  event.preventDefault();
  document.getElementById("message-box")?.focus();
}

const RESET = {
  title: "Start over?", confirm: "Start over", deny: "Keep going", style: "danger",
  text: { text: "Everything is forgotten, in all windows: messages, purges and their history, faults. Purgebot starts afresh too, and the guide begins anew." },
};
function StartOver({ close }) {
  const { startOver } = useContext(Actions);
  function confirmed() {
    close();
    startOver();
  }
  return html`<${Confirm} of=${RESET} onNo=${close} onYes=${confirmed} />`;
}

function Waiting({ error }) {
  return html`<div class="loading">${error
    ? html`<p role="alert">${error}</p><a class="button" href="./">Open it as Ana</a>` : html`<p>Opening the town…</p>`}</div>`;
}

/** Person and channel live in the address, #U0ANA/C0WEB: two windows can be two people. */
function usePlace() {
  const read = () => {
    const [me, channel] = decodeURIComponent(location.hash.slice(1)).split("/");
    return { me: me || START.me, channel: channel || START.channel };
  };
  const [place, setPlace] = useState(read);
  useEffect(() => {
    const follow = () => setPlace(read());
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  const go = useCallback((change) => {
    const next = { ...read(), ...Object.fromEntries(Object.entries(change).filter(([, value]) => value)) };
    location.hash = `${next.me}/${next.channel}`;
  }, []);
  return [place, go];
}

function useLayout() {
  const read = () => (innerWidth >= 1180 ? "wide" : innerWidth >= 768 ? "tablet" : "phone");
  const [layout, setLayout] = useState(read);
  useEffect(() => {
    const follow = () => setLayout(read());
    addEventListener("resize", follow);
    return () => removeEventListener("resize", follow);
  }, []);
  return layout;
}

/** What stands in the open channel counts as read. */
function useReading(me, channel) {
  useEffect(() => {
    // A mark that gets lost costs nothing: the next message sets it again.
    if (channel?.unread && !document.hidden) post("slack/read", { as: me, channel: channel.id }).catch(() => {});
  }, [me, channel?.id, channel?.unread]);
}

const root = document.getElementById("app");
root.replaceChildren();
render(html`<${App} />`, root);
