// The right column: what Slack's users never see.  The clock, the CDN's tasks and quotas, and faults.
import { html, useContext, useEffect, useState } from "./preact.js";
import { Actions } from "./actions.js";
import { ago, clock, exact, until } from "./dates.js";
import { Faults } from "./faults.js";
import { Icon } from "./icons.js";
import { Menu } from "./menu.js";

/** `titled`: it stands as a column of its own, not in a drawer, which has a title already. */
export function Backstage({ slack, cdn, titled }) {
  return html`<aside class="backstage" aria-label="Backstage">
    ${titled && html`<h2>Backstage</h2>`}
    <${Clock} now=${slack.now} />
    <${Tasks} tasks=${cdn?.tasks ?? []} now=${cdn?.now} />
    <${Quota} quota=${cdn?.quota} now=${cdn?.now} />
    <${Faults} slack=${slack.faults} cdn=${cdn?.faults ?? []} />
  </aside>`;
}

function Section({ icon, title, aside, children }) {
  return html`<section class="stage">
    <h3><${Icon} name=${icon} size=${16} /> ${title}<span class="stage-aside">${aside}</span></h3>${children}</section>`;
}

const LEAPS = [[60, "+1 min"], [600, "+10 min"], [1800, "+30 min"]];

function Clock({ now }) {
  const { wait } = useContext(Actions);
  const time = useTicking(now);
  return html`<${Section} icon="clock" title="Clock" aside=${html`<time class="digits" title=${exact(time)}>${clock(time)}</time>`}>
    <p class="quiet">Let approvals expire and quotas refill.</p>
    <div class="row" role="group" aria-label="Move the clock">${LEAPS.map(([seconds, label]) => html`<button type="button"
      class="button" aria-label=${`Move the clock ${label}`} onClick=${() => wait(seconds)}>${label}</button>`)}</div><//>`;
}

/** A clock that was `now` when it was last heard of, and goes on by itself. */
function useTicking(now) {
  const [time, setTime] = useState(now);
  useEffect(() => {
    const heard = performance.now();
    setTime(now);
    const timer = setInterval(() => setTime(now + (performance.now() - heard) / 1000), 1000);
    return () => clearInterval(timer);
  }, [now]);
  return time;
}

const isRunning = ({ status }) => status === "Pending" || status === "Refreshing";
const SHOWN = 8;

function Tasks({ tasks, now }) {
  const [all, setAll] = useState(false);
  const newest = [...tasks].sort((a, b) => b.created.localeCompare(a.created) || b.id.localeCompare(a.id));
  const shown = all ? newest : newest.slice(0, SHOWN);
  const running = tasks.filter(isRunning).length;
  return html`<${Section} icon="cloud" title="CDN tasks" aside=${running > 0 && `${running} running`}>
    ${tasks.length === 0 && html`<p class="empty">No task yet. The first <code>/purge</code> makes one.</p>`}
    <ul class="tasks">${shown.map((task) => html`<${Task} key=${task.id} task=${task} now=${now} />`)}</ul>
    ${newest.length > SHOWN && html`<button type="button" class="linklike" aria-expanded=${String(all)} onClick=${() => setAll(!all)}>
      ${all ? "Show fewer" : `Show all ${newest.length}`}</button>`}<//>`;
}

const ENDINGS = [
  { key: "Complete", label: "Finish it now", end: { status: "Complete", process: "100%" } },
  { key: "Failed", label: "Let it fail", end: { status: "Failed", description: "Origin Timeout" } },
  { key: "Timeout", label: "Let it time out", end: { status: "Timeout" } },
  { key: "Canceled", label: "Cancel it", end: { status: "Canceled" } },
];

function Task({ task, now }) {
  const { endTask } = useContext(Actions);
  const running = isRunning(task);
  const percent = parseInt(task.process, 10) || 0;
  const made = Date.parse(task.created) / 1000;
  return html`<li class="task" data-status=${task.status}>
    <div class="task-line"><strong class="task-domain">${task.domain}</strong>
      ${task.force && html`<span class="badge" data-kind="force">force</span>`}
      <span class="task-status">${task.status}</span>
      ${running && html`<${Menu} label=${`Decide task ${task.id}`} className="icon-button small" options=${ENDINGS}
        onPick=${(key) => endTask(task.id, ENDINGS.find((ending) => ending.key === key).end)}><${Icon} name="more" size=${16} /><//>`}</div>
    <div class="tags">${(task.tags ?? []).map((tag) => html`<code>${tag}</code>`)}</div>
    <progress max="100" value=${percent} aria-label=${`Task ${task.id}`}>${percent} %</progress>
    <div class="task-line quiet"><span class="digits">${task.id}</span>
      <span>${running ? `${percent} %` : task.description}</span><span>${ago(made, now)}</span></div>
  </li>`;
}

function Quota({ quota, now }) {
  if (!quota) return null;
  const bar = (label, used, most, note) => html`<div class="quota">
    <div class="task-line"><span>${label}</span><span class="digits">${used.toLocaleString("en-US")} of ${most.toLocaleString("en-US")}</span></div>
    <meter min="0" max=${most} low=${most * 0.75} high=${most * 0.95} optimum="0" value=${used}
      aria-label=${`Quota: ${label}`}>${used} of ${most}</meter>
    ${note && html`<small class="quiet">${note}</small>`}</div>`;
  return html`<${Section} icon="gauge" title="Quota">
    ${bar("Today", quota.used_today, quota.per_day, `New in ${until(quota.resets_at, now)}`)}
    ${bar("This minute", quota.used_minute, quota.per_minute)}<//>`;
}
