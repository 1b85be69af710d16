// The guided first minute.  A step is done when the town shows it, not when a button was pressed.
import { html, useEffect, useMemo } from "./preact.js";
import { Icon } from "./icons.js";
import { CloseButton } from "./dialogs.js";
import { useMemory } from "./memory.js";
import { emojified } from "./emoji.js";

const ASKER = "U0ANA";
const APPROVER = "U0SAM";
const CHANNEL = "C0WEB";
const PLAIN = "/purge www.example.com homepage";
const FORCED = "/purge www.example.com sale --force";

// `shown` reads the town's state; `help` is what the button beside the step does.
const FIRST = "0 0";
const STEPS = [
  {
    title: "Purge as Ana",
    text: html`Send <code>${PLAIN}</code> in #web-publishing.`,
    shown: ({ tasks }) => tasks.length > 0,
    help: { label: "Type it for me", does: { me: ASKER, channel: CHANNEL, draft: PLAIN } },
  },
  {
    title: "Watch it finish",
    text: "The CDN works on it for some seconds. The message moves with it, and says when it is complete.",
    shown: ({ tasks }) => tasks.some(({ status }) => status === "Complete"),
  },
  {
    title: "Ask for force",
    text: html`As Ana again: <code>${FORCED}</code>. It has to wait for somebody.`,
    shown: ({ waiting, tasks }) => waiting || tasks.some(({ force }) => force),
    help: { label: "Type it for me", does: { me: ASKER, channel: CHANNEL, draft: FORCED } },
  },
  {
    title: "Become Sam",
    text: "Ana cannot approve her own request. Sam of the SREs can.",
    shown: ({ me, waiting }) => me === APPROVER && waiting,
    help: { label: "Speak as Sam", does: { me: APPROVER, channel: CHANNEL } },
  },
  {
    title: "Approve",
    text: "Press Approve on Ana's request: only now does the CDN hear of it.",
    shown: ({ tasks }) => tasks.some(({ force }) => force),
  },
];

/** { done: [step…], current, dismissed, dismiss, restart }: ticked steps stay ticked until the town starts over. */
export function useTour(slack, cdn) {
  const [kept, setKept] = useMemory("tour", { done: [], dismissed: false });
  // Of both, because one may still show what was before the town started over.
  const resets = slack && cdn ? `${slack.resets} ${cdn.resets}` : null;
  useEffect(() => {
    if (!resets) return;
    setKept((old) => ((old.resets ?? FIRST) === resets ? old : { done: [], dismissed: false, resets }));
  }, [resets]);
  const facts = useMemo(() => slack && cdn && { me: slack.me, tasks: cdn.tasks, waiting: isWaiting(slack.messages) }, [slack, cdn]);
  useEffect(() => {
    if (!facts) return;
    const seen = STEPS.flatMap((step, i) => (step.shown(facts) ? [i] : []));
    setKept((old) => (seen.every((i) => old.done.includes(i)) ? old : { ...old, done: [...new Set([...old.done, ...seen])] }));
  }, [facts]);
  return {
    ...kept,
    current: STEPS.findIndex((_, i) => !kept.done.includes(i)),
    dismiss: () => setKept((old) => ({ ...old, dismissed: true })),
    restart: () => setKept({ done: [], dismissed: false, resets }),
  };
}

/** Whether a card somewhere offers to approve. */
function isWaiting(messages) {
  const buttons = Object.values(messages).flat().flatMap(({ blocks }) => blocks ?? [])
    .filter(({ type }) => type === "actions").flatMap(({ elements }) => elements);
  return buttons.some(({ text }) => /^\W*approve\b/i.test(emojified(text?.text ?? "")));
}

export function Tour({ tour, perform }) {
  if (tour.dismissed) return null;
  const step = STEPS[tour.current];
  return html`<section class="tour" aria-label="The first minute">
    <ol>${STEPS.map(({ title }, i) => html`<li data-done=${tour.done.includes(i) ? "" : undefined} aria-current=${i === tour.current ? "step" : undefined}>
      <span class="tick">${tour.done.includes(i) ? html`<${Icon} name="check" size=${12} />` : i + 1}</span><span>${title}</span>
      ${tour.done.includes(i) && html`<span class="hidden">, done</span>`}</li>`)}</ol>
    <div class="tour-step" role="status">
      <p>${step ? html`<strong class="tour-narrow">${tour.current + 1} of ${STEPS.length}: ${step.title}.</strong> ${step.text}`
        : "That was the whole way of a forced purge. Now break something Backstage and try again."}</p>
      ${step?.help && html`<button type="button" class="button primary" onClick=${() => perform(step.help.does)}>${step.help.label}</button>`}
    </div>
    <${CloseButton} label="Dismiss the guide" onClick=${tour.dismiss} />
  </section>`;
}
