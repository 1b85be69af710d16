// The message box.  A text that starts with "/" is a command: the known ones are suggested.
import { html, useContext, useEffect, useId, useRef, useState } from "./preact.js";
import { Actions } from "./actions.js";
import { Icon } from "./icons.js";
import { useOther } from "./sidebar.js";
import { nameOf } from "./atoms.js";
import { SpeakingAs } from "./people.js";

export function Composer({ channel, commands, draft, setDraft, speakAs }) {
  const { say } = useContext(Actions);
  const box = useRef(null);
  const listId = useId();
  const past = useRef([]);
  const other = useOther(channel);
  const [marked, setMarked] = useState(0);
  const [hidden, setHidden] = useState(false);
  const word = /^\/\S*$/.exec(draft)?.[0].toLowerCase();
  const matching = word && !hidden ? commands.filter(({ command }) => command.startsWith(word)) : [];
  const typed = commands.find(({ command }) => draft.startsWith(`${command} `));
  const at = Math.min(marked, matching.length - 1);
  const shown = useRef(channel.id);
  useEffect(() => {
    // Who opens a channel wants to write; on a phone the keyboard would cover what they came to read.
    if (shown.current !== channel.id && matchMedia("(pointer: fine)").matches) box.current.focus({ preventScroll: true });
    shown.current = channel.id;
  }, [channel.id]);

  function write(text) {
    setDraft(text);
    setHidden(false);
    setMarked(0);
  }
  function complete({ command }) {
    write(`${command} `);
    box.current.focus();
  }
  async function send() {
    const text = draft.trim();
    if (!text) return;
    past.current.push(text);
    write("");
    if (!(await say(channel.id, text))) setDraft((now) => now || text);
  }
  function suggestionKey(key) {
    if (!matching.length) return false;
    if (key === "ArrowDown" || key === "ArrowUp") setMarked((at + (key === "ArrowDown" ? 1 : -1) + matching.length) % matching.length);
    else if (key === "Tab" || (key === "Enter" && matching[at].command !== draft)) complete(matching[at]);
    else if (key === "Escape") setHidden(true);
    else return false;
    return true;
  }
  function keyed(event) {
    // While an input method composes, Enter takes its suggestion and sends nothing.
    if (event.isComposing || event.shiftKey) return;
    if (suggestionKey(event.key)) event.preventDefault();
    else if (event.key === "Enter") {
      event.preventDefault();
      send();
    } else if (event.key === "ArrowUp" && !draft && past.current.length) {
      event.preventDefault();
      write(past.current.at(-1));
    }
  }
  const label = `Message ${other ? nameOf(other) : `#${channel.name}`}`;
  return html`<form class="composer" onSubmit=${(event) => { event.preventDefault(); send(); }}>
    <div class="suggestions" hidden=${!matching.length && !typed}>
      ${matching.length > 0 && html`<p class="quiet">Commands matching <b>${word}</b></p>`}
      <div role="listbox" id=${listId} aria-label="Commands">
        ${matching.map((command, i) => html`<div role="option" id=${`${listId}-${i}`} aria-selected=${String(i === at)}
          onMouseDown=${(event) => event.preventDefault()} onClick=${() => complete(command)} onMouseMove=${() => setMarked(i)}>
          <${Usage} of=${command} /><small>${command.description}</small></div>`)}
      </div>
      ${typed && html`<p class="usage"><${Usage} of=${typed} /></p>`}
    </div>
    <div class="composer-box">
      <textarea id="message-box" ref=${box} rows="1" value=${draft} placeholder=${label} aria-label=${label}
        aria-autocomplete="list" aria-controls=${listId} aria-activedescendant=${matching.length ? `${listId}-${at}` : undefined}
        autocomplete="off" spellcheck=${!draft.startsWith("/")} enterkeyhint="send"
        onInput=${(event) => write(event.target.value)} onKeyDown=${keyed}></textarea>
      <div class="composer-tools">
        <${SpeakingAs} speakAs=${speakAs} />
        <small class="pretend quiet">A pretend Slack<span class="wide-only">: nothing leaves this machine</span></small>
        <button class="send" aria-label="Send" disabled=${!draft.trim()}><${Icon} name="send" /></button>
      </div>
    </div>
  </form>`;
}

const Usage = ({ of }) => html`<span><strong>${of.command}</strong> <span class="hint">${of.usage_hint}</span></span>`;
