// Block Kit's interactive elements: buttons, menus, selects, choices and inputs.
//
// In a message, an element acts at once: it presses.  In a form (a modal), it keeps its value
// until the form is sent; elements outside of `input` blocks do both.
import { createContext, html, useContext, useId, useState } from "./preact.js";
import { Names, nameOf } from "./atoms.js";
import { Confirm } from "./dialogs.js";
import { emojified } from "./emoji.js";
import { Icon } from "./icons.js";
import { Menu } from "./menu.js";
import { Text } from "./mrkdwn.js";

/** Where elements are: { press(block_id, action_id, selected), form? }. */
export const Place = createContext({ press: async () => {} });

// The name under which each kind of element holds its value, as in Slack's view state.
const FIELD = {
  plain_text_input: "value", email_text_input: "value", url_text_input: "value", number_input: "value",
  static_select: "selected_option", radio_buttons: "selected_option",
  checkboxes: "selected_options", multi_static_select: "selected_options",
  users_select: "selected_user", channels_select: "selected_channel", conversations_select: "selected_conversation",
  multi_users_select: "selected_users", multi_channels_select: "selected_channels",
  multi_conversations_select: "selected_conversations",
  datepicker: "selected_date", timepicker: "selected_time",
};

/** What an untouched element holds: { type, value | selected_… }, or null for what holds nothing. */
export function initialState(element) {
  const field = FIELD[element.type];
  if (!field) return null;
  const initial = element[field === "value" ? "initial_value" : field.replace("selected", "initial")];
  return { type: element.type, [field]: initial ?? (field.endsWith("s") ? [] : null) };
}

export function Element({ of, block, labelledby }) {
  const Known = ELEMENTS[of.type];
  if (!Known) return html`<span class="unknown">${of.type} is not shown here</span>`;
  return html`<${Known} of=${of} block=${block} labelledby=${labelledby} />`;
}

function usePress(of, block) {
  const { press } = useContext(Place);
  const [busy, setBusy] = useState(false);
  const [asked, setAsked] = useState(null);
  async function send(selected) {
    setAsked(null);
    setBusy(true);
    await press(block.block_id, of.action_id, selected);
    setBusy(false);
  }
  const act = (selected) => (of.confirm ? setAsked({ selected }) : send(selected));
  const question = asked && html`<${Confirm} of=${of.confirm} onYes=${() => send(asked.selected)} onNo=${() => setAsked(null)} />`;
  return { act, busy, question };
}

function useField(of, block) {
  const { form } = useContext(Place);
  const [own, setOwn] = useState(() => initialState(of));
  const { act, busy, question } = usePress(of, block);
  const state = form?.values[block.block_id]?.[of.action_id] ?? own;
  function change(value) {
    const next = { type: of.type, [FIELD[of.type]]: value };
    setOwn(next);
    form?.set(block.block_id, of.action_id, next);
    if (block.type !== "input" || block.dispatch_action) act(next);
  }
  return { value: state[FIELD[of.type]], change, busy, question };
}

function Button({ of, block }) {
  const { act, busy, question } = usePress(of, block);
  const style = ["primary", "danger"].includes(of.style) ? of.style : "";
  function click() {
    if (busy) return;
    if (/^https?:/i.test(of.url ?? "")) window.open(of.url, "_blank", "noopener,noreferrer");
    act();
  }
  return html`<button type="button" class=${`button ${style}`} data-action=${of.action_id} aria-label=${of.accessibility_label}
    aria-busy=${busy ? "true" : undefined} aria-disabled=${busy ? "true" : undefined} onClick=${click}>
    <${Text} of=${of.text} /></button>${question}`;
}

function Overflow({ of, block }) {
  const { act, busy, question } = usePress(of, block);
  const options = of.options.map((option, i) => ({ key: i, label: option.text.text, content: html`<${Text} of=${option.text} />` }));
  return html`<${Menu} label="More choices" className="button icon-only" options=${options} busy=${busy}
    onPick=${(i) => act({ type: of.type, selected_option: of.options[i] })}><${Icon} name="more" /><//>${question}`;
}

function Select({ of, block, labelledby }) {
  const { value, change, busy, question } = useField(of, block);
  const { groups, flat } = useChoices(of);
  const multiple = of.type.startsWith("multi_");
  const selected = (multiple ? value : [value]).map((choice) => choice?.value ?? choice);
  function pick(event) {
    const picked = [...event.target.selectedOptions].map((option) => flat[option.dataset.at]?.choice).filter(Boolean);
    change(multiple ? picked : (picked[0] ?? null));
  }
  const option = ({ key, label, at }) => html`<option value=${key} data-at=${at} selected=${selected.includes(key)}>${emojified(label)}</option>`;
  return html`<select class="select" multiple=${multiple} aria-labelledby=${labelledby} aria-busy=${busy ? "true" : undefined}
    aria-label=${labelledby ? undefined : of.placeholder?.text ?? "Choose"} onChange=${pick}>
    ${!multiple && html`<option value="" selected=${!value} disabled=${block.type === "input" && !block.optional}>
      ${emojified(of.placeholder?.text ?? "Choose…")}</option>`}
    ${groups.map(({ label, choices }) => label ? html`<optgroup label=${label}>${choices.map(option)}</optgroup>` : choices.map(option))}
  </select>${question}`;
}

/** The choices of any select: { groups: [{ label, choices }], flat: [{ key, label, choice }] }. */
function useChoices(of) {
  const { people, channels } = useContext(Names);
  const flat = [];
  const add = (key, label, choice) => flat[flat.push({ key, label, choice, at: flat.length }) - 1];
  const fromOptions = (options) => options.map((option) => add(option.value, option.text.text, option));
  if (of.type.includes("users_")) {
    const living = [...people.values()].filter(({ kind }) => !["bot", "deleted"].includes(kind));
    return { groups: [{ choices: living.map((person) => add(person.id, nameOf(person), person.id)) }], flat };
  }
  if (of.type.includes("channels_") || of.type.includes("conversations_")) {
    const open = [...channels.values()].filter(({ kind }) => kind !== "im");
    return { groups: [{ choices: open.map((channel) => add(channel.id, `#${channel.name}`, channel.id)) }], flat };
  }
  const groups = of.option_groups?.map((group) => ({ label: group.label.text, choices: fromOptions(group.options) }));
  return { groups: groups ?? [{ choices: fromOptions(of.options ?? []) }], flat };
}

function Choices({ of, block, labelledby }) {
  const { value, change, question } = useField(of, block);
  const name = useId();
  const single = of.type === "radio_buttons";
  const chosen = (single ? [value] : value).map((option) => option?.value);
  function pick(option, checked) {
    if (single) return change(option);
    return change(of.options.filter(({ value: key }) => (key === option.value ? checked : chosen.includes(key))));
  }
  const row = (option) => html`<label class="choice"><input type=${single ? "radio" : "checkbox"} name=${name}
      checked=${chosen.includes(option.value)} onChange=${(event) => pick(option, event.target.checked)} />
    <span><${Text} of=${option.text} />${option.description && html`<small><${Text} of=${option.description} /></small>`}</span></label>`;
  return html`<div role=${single ? "radiogroup" : "group"} aria-labelledby=${labelledby} class="choices">${of.options.map(row)}</div>${question}`;
}

function TextInput({ of, block, labelledby }) {
  const { value, change } = useField(of, block);
  const shared = {
    class: "text-input", "aria-labelledby": labelledby, value: value ?? "", placeholder: of.placeholder?.text,
    maxLength: of.max_length, onInput: (event) => change(event.target.value || null),
  };
  const type = { email_text_input: "email", url_text_input: "url", number_input: "number" }[of.type] ?? "text";
  return of.multiline ? html`<textarea rows="4" ...${shared}></textarea>` : html`<input type=${type} ...${shared} />`;
}

function Picker({ of, block, labelledby }) {
  const { value, change, question } = useField(of, block);
  return html`<input class="text-input" type=${of.type === "datepicker" ? "date" : "time"} value=${value ?? ""}
    aria-labelledby=${labelledby} aria-label=${labelledby ? undefined : of.placeholder?.text ?? "Pick"}
    onChange=${(event) => change(event.target.value || null)} />${question}`;
}

/** An image is not loaded: the page talks to nobody but itself.  Its words stand in for it. */
export function ImagePlaceholder({ of, small = false }) {
  if (small) {
    return html`<span class="image-small" role="img" aria-label=${of.alt_text} title=${of.alt_text}>
      <${Icon} name="image" size=${14} /></span>`;
  }
  return html`<div class="image" role="img" aria-label=${of.alt_text}><${Icon} name="image" size=${28} /><span>${of.alt_text}</span></div>`;
}

const ELEMENTS = {
  button: Button, workflow_button: Button, overflow: Overflow, image: ImagePlaceholder,
  radio_buttons: Choices, checkboxes: Choices, datepicker: Picker, timepicker: Picker,
  ...Object.fromEntries(Object.keys(FIELD).filter((type) => type.endsWith("_select")).map((type) => [type, Select])),
  ...Object.fromEntries(Object.keys(FIELD).filter((type) => type.endsWith("_input")).map((type) => [type, TextInput])),
};
