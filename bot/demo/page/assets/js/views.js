// The two surfaces an app has besides messages: a modal form, and its Home tab.
import { html, useContext, useId, useMemo, useState } from "./preact.js";
import { Actions } from "./actions.js";
import { Blocks } from "./blocks.js";
import { CloseButton, Dialog } from "./dialogs.js";
import { initialState, Place } from "./elements.js";
import { Text } from "./mrkdwn.js";

export function Modal({ view }) {
  const { press, submit, close } = useContext(Actions);
  const [values, setValues] = useState({});
  const [refused, setRefused] = useState({});
  const [sending, setSending] = useState(false);
  const [trouble, setTrouble] = useState(false);
  const title = useId();
  const errors = { ...view.errors, ...refused };
  const place = useMemo(() => ({
    press: (block_id, action_id, selected) => press({ view_id: view.id }, block_id, action_id, selected),
    form: { values, errors, set: (block, action, value) => setValues((all) => ({ ...all, [block]: { ...all[block], [action]: value } })) },
  }), [press, view, values, refused]);

  async function send(event) {
    event.preventDefault();
    if (sending) return;
    const all = filled(view.blocks, values);
    const missing = unfilled(view.blocks, all);
    setRefused(Object.fromEntries(missing.map((block_id) => [block_id, "Please complete this required field."])));
    if (missing.length) return;
    setSending(true);
    const answer = await submit(view.id, all);
    setTrouble(!answer || Boolean(answer.shown));
    setSending(false);
  }
  const hasInputs = view.blocks?.some((block) => block.type === "input");
  return html`<${Dialog} labelledby=${title} onClose=${() => close(view.id)}>
    <form onSubmit=${send} noValidate>
      <header class="dialog-head"><h2 id=${title}><${Text} of=${view.title} /></h2>
        <${CloseButton} onClick=${() => close(view.id)} /></header>
      <div class="dialog-body blocks"><${Place.Provider} value=${place}><${Blocks} blocks=${view.blocks} /><//>
        ${trouble && html`<p class="input-error" role="alert">We had some trouble connecting. Try again?</p>`}</div>
      <footer class="dialog-foot">
        <button type="button" class="button" onClick=${() => close(view.id)}><${Text} of=${view.close ?? "Cancel"} /></button>
        ${(view.submit || hasInputs) && html`<button class="button primary" aria-busy=${sending ? "true" : undefined}>
          <${Text} of=${view.submit ?? "Submit"} /></button>`}
      </footer>
    </form><//>`;
}

/** Slack's view state: { block_id: { action_id: { type, value | selected_… } } }. */
function filled(blocks, values) {
  const all = {};
  for (const block of blocks ?? []) {
    for (const element of [block.element, block.accessory, ...(block.elements ?? [])]) {
      const state = element?.action_id && (values[block.block_id]?.[element.action_id] ?? initialState(element));
      if (state) all[block.block_id] = { ...all[block.block_id], [element.action_id]: state };
    }
  }
  return all;
}

function unfilled(blocks, all) {
  const isEmpty = ({ type, ...held }) => Object.values(held).every((value) => value === null || value.length === 0);
  return blocks.filter(({ type, optional }) => type === "input" && !optional)
    .filter(({ block_id, element }) => block_id in all && isEmpty(all[block_id][element.action_id]))
    .map(({ block_id }) => block_id);
}

export function Home({ view }) {
  const { press } = useContext(Actions);
  const place = useMemo(() => ({
    press: (block_id, action_id, selected) => press({ view_id: view?.id }, block_id, action_id, selected),
  }), [press, view?.id]);
  if (!view) return html`<p class="empty">This app has not published a Home tab for you.</p>`;
  return html`<div class="home blocks"><${Place.Provider} value=${place}><${Blocks} blocks=${view.blocks} /><//></div>`;
}
