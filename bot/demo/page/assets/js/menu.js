// A button that opens a list of choices: arrows move, Enter takes, Escape and a click elsewhere close.
import { html, useId, useLayoutEffect, useRef, useState } from "./preact.js";

/**
 * `options`: [{ key, label, content?, disabled? }]; `current` is the key that is chosen now.
 * `label` names the list, and the button too unless its content (`children`) `speaks` for itself.
 */
export function Menu({ label, options, current, onPick, className = "", children, busy = false, speaks = false }) {
  const [open, setOpen] = useState(false);
  const root = useRef(null);
  const list = useRef(null);
  const id = useId();
  const rows = () => [...(list.current?.querySelectorAll("[role^=menuitem]:not([aria-disabled=true])") ?? [])];

  // Before anything else is typed: a list that took the focus later would lose it as it closes.
  useLayoutEffect(() => {
    if (!open) return undefined;
    const all = rows();
    (all.find((row) => row.getAttribute("aria-checked") === "true") ?? all[0])?.focus();
    const outside = (event) => root.current?.contains(event.target) || setOpen(false);
    document.addEventListener("pointerdown", outside);
    return () => document.removeEventListener("pointerdown", outside);
  }, [open]);

  function close() {
    setOpen(false);
    root.current?.querySelector("button")?.focus();
  }
  function move(event) {
    const all = rows();
    const at = all.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 + all.length, Home: 0, End: all.length - 1 }[event.key];
    if (to !== undefined) all[to % all.length]?.focus();
    else if (event.key === "Escape") close();
    else if (event.key === "Tab") setOpen(false);
    if (to !== undefined || event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
    }
  }
  const row = (option) => html`<button type="button" key=${option.key} tabindex="-1"
    role=${current === undefined ? "menuitem" : "menuitemradio"}
    aria-checked=${current === undefined ? undefined : String(option.key === current)}
    aria-disabled=${option.disabled ? "true" : undefined}
    onClick=${() => {
      if (option.disabled) return;
      close();
      onPick(option.key);
    }}>${option.content ?? option.label}</button>`;

  return html`<div class="menu" ref=${root} onKeyDown=${open ? move : undefined}>
    <button type="button" class=${className} aria-haspopup="menu" aria-expanded=${String(open)} aria-controls=${open ? id : undefined}
      aria-label=${speaks ? undefined : label} aria-busy=${busy ? "true" : undefined} onClick=${() => setOpen(!open)}>${children}</button>
    ${open && html`<div class="menu-list" role="menu" id=${id} aria-label=${label} ref=${list}>${options.map(row)}</div>`}
  </div>`;
}
