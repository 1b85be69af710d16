// Buttons that break things on purpose, and the list of what is broken now.
import { html, useContext, useEffect, useId, useState } from "./preact.js";
import { Actions } from "./actions.js";
import { request } from "./api.js";
import { Icon } from "./icons.js";

const REFRESH = "RefreshObjectCacheByCacheTag";
const code = (name, action = REFRESH) => ({ kind: "error", code: name, action });

// label, the fault without its `times`, what it means
const CDN_FAULTS = [
  ["Daily quota used up", code("QuotaExceeded.Refresh"), "Nothing more until midnight, UTC+8"],
  ["Minute quota used up", code("QuotaPerMinuteExceeded.Refresh"), "Works again in a minute"],
  ["Queue full", code("TooMany.Refresh"), "Too many tasks are running"],
  ["Throttled", code("Throttling.User", "*"), "Too many requests at once"],
  ["Busy domain", code("ServiceBusy"), "The domain is being configured"],
  ["Unknown domain", code("InvalidDomain.NotFound"), "Absent, or another account's"],
  ["Key revoked", code("InvalidAccessKeyId.Inactive", "*"), "The access key was disabled"],
  ["No permission", code("Forbidden.RAM", "*"), "The key's policy does not allow it"],
  ["CDN down", code("ServiceUnavailable", "*"), "503, try again later"],
  ["Slow", { kind: "slow_answer", seconds: 4, action: REFRESH }, "Done at once, answered after 4 s"],
  ["Answer lost", { kind: "lose_answer", action: REFRESH }, "Done, but nobody hears of it"],
  ["Connection dropped", { kind: "drop_before", action: REFRESH }, "Not done, and nobody hears why"],
  ["Bad gateway", { kind: "http", status: 502, executed: false, action: REFRESH }, "An HTML page instead of JSON"],
  ["No task ID", { kind: "no_task_id", action: REFRESH }, "Accepted, but without its ID"],
  ["Garbage", { kind: "garbage", action: REFRESH }, "200, and not JSON"],
  ["Redirected", { kind: "redirect", action: REFRESH }, "Sent to another host"],
];

export function Faults({ slack, cdn }) {
  const { breakCdn, clearFaults } = useContext(Actions);
  const [lasting, setLasting] = useState(false);
  const active = [...cdn.map(describeCdn), ...describeSlack(slack ?? {})];
  const times = lasting ? null : 1;
  return html`<section class="stage"><h3><${Icon} name="bolt" size=${16} /> Break something
      ${active.length > 0 && html`<span class="stage-aside">
        <button type="button" class="button small" onClick=${clearFaults}>Clear all</button></span>`}</h3>
    ${active.length > 0 && html`<ul class="active-faults" aria-label="Broken now">${active.map(([label, how, meaning]) => html`
      <li><strong>${label}</strong> (${how})<small>${meaning}</small></li>`)}</ul>`}
    <fieldset class="switch"><legend class="hidden">How long</legend>
      ${[[false, "Next request"], [true, "Until cleared"]].map(([value, label]) => html`<label>
        <input type="radio" name="lasting" checked=${lasting === value} onChange=${() => setLasting(value)} /><span>${label}</span></label>`)}</fieldset>
    <h4>CDN</h4>
    <div class="faults">${CDN_FAULTS.map(([label, fault, meaning]) => html`<button type="button" class="fault" title=${meaning}
      onClick=${() => breakCdn({ ...fault, times })}>${label}</button>`)}</div>
    <${AnyError} times=${times} />
    <h4>Slack</h4>
    <${SlackFaults} now=${slack ?? {}} times=${times} />
  </section>`;
}

/** Every other error in the CDN's catalogue. */
function AnyError({ times }) {
  const { breakCdn } = useContext(Actions);
  const [codes, setCodes] = useState([]);
  const id = useId();
  useEffect(() => {
    request("GET", "cdn/catalogue").then((rows) => setCodes(rows.map((row) => row.code)), () => {});
  }, []);
  if (!codes.length) return null;
  function pick(event) {
    if (event.target.value) breakCdn({ ...code(event.target.value), times });
    event.target.value = "";
  }
  return html`<label class="any-error" for=${id}><span class="hidden">Another documented error</span>
    <select id=${id} class="select" onChange=${pick}><option value="">Another documented error…</option>
      ${codes.map((name) => html`<option value=${name}>${name}</option>`)}</select></label>`;
}

function SlackFaults({ now, times }) {
  const { slackFaults, dropSocket } = useContext(Actions);
  const web = (fault) => slackFaults({ web_api: [...(now.web_api ?? []), { method: "*", ...fault, times }] });
  const button = (label, meaning, act, pressed) => html`<button type="button" class="fault" title=${meaning}
    aria-pressed=${pressed === undefined ? undefined : String(Boolean(pressed))} onClick=${act}>${label}</button>`;
  return html`<div class="faults">
    ${button("Rate limit", "429 with Retry-After to the app's next call", () => web({ error: "ratelimited", retry_after: 2 }))}
    ${button("Server error", "500 to the app's next call", () => web({ error: "http_500" }))}
    ${button("Reply lost", "The message is posted, the app never hears of it", () => slackFaults({ lose_reply_of: [{ method: "chat.postMessage", times }] }))}
    ${button("Deliver twice", "Each command and click comes twice", () => slackFaults({ deliver_twice: !now.deliver_twice }), now.deliver_twice)}
    ${button("Cut the line", "The app's connection breaks; it should come back", dropSocket)}
  </div>`;
}

function lasts(times) {
  if (times === 1) return "next request";
  return times ? `next ${times} requests` : "until cleared";
}

// What is broken now, as [label, how long, what it means].
function describeCdn(fault) {
  const [label, , meaning] = CDN_FAULTS.find(([, { kind, code: name }]) => kind === fault.kind && name === (fault.code || undefined)) ?? [];
  return [label ?? (fault.code || fault.kind), lasts(fault.times), meaning];
}

function describeSlack({ web_api, lose_reply_of, deliver_twice }) {
  return [
    ...(web_api ?? []).map(({ error, times }) => [`Slack: ${error.replaceAll("_", " ")}`, lasts(times)]),
    ...(lose_reply_of ?? []).map(({ method, times }) => ["Slack: reply lost", lasts(times), method]),
    ...(deliver_twice ? [["Slack: deliver twice", lasts(null)]] : []),
  ];
}
