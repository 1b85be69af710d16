// Dialogs stand on <dialog>: the browser keeps the focus inside and lets Escape close it.
import { html, useEffect, useId, useRef } from "./preact.js";
import { Icon } from "./icons.js";
import { Text } from "./mrkdwn.js";

/**
 * A modal dialog that is open as long as it is rendered.
 * `kind` is "box" (centred) or "drawer drawer-left" / "drawer drawer-right" (narrow screens).
 */
export function Dialog({ kind = "box", label, labelledby, onClose, children }) {
  const dialog = useRef(null);
  useEffect(() => {
    const before = document.activeElement;
    dialog.current.showModal();
    dialog.current.querySelector(".dialog-body :is(input, select, textarea)")?.focus();
    return () => before?.focus?.();
  }, []);
  const outside = (event) => event.target === dialog.current && onClose();
  return html`<dialog class=${kind} ref=${dialog} aria-label=${label} aria-labelledby=${labelledby}
    onClose=${onClose} onMouseDown=${outside}>
    ${kind !== "box" && html`<div class="drawer-head"><h2>${label}</h2><${CloseButton} onClick=${onClose} /></div>`}
    ${children}</dialog>`;
}

export function CloseButton({ onClick, label = "Close" }) {
  return html`<button type="button" class="icon-button" aria-label=${label} onClick=${onClick}><${Icon} name="close" /></button>`;
}

/**
 * Slack's confirm object { title, text, confirm, deny, style }.  The safe answer has the focus.
 * Its text is shown as it is, whatever type it claims.
 */
export function Confirm({ of, onYes, onNo }) {
  const id = useId();
  return html`<${Dialog} labelledby=${id} onClose=${onNo}>
    <header class="dialog-head"><h2 id=${id}><${Text} of=${of.title} /></h2></header>
    <div class="dialog-body confirm-text"><${Text} of=${{ ...of.text, type: "plain_text" }} /></div>
    <footer class="dialog-foot">
      <button type="button" class="button" onClick=${onNo}><${Text} of=${of.deny ?? "Cancel"} /></button>
      <button type="button" class=${`button ${of.style === "danger" ? "danger" : "primary"}`} onClick=${onYes}>
        <${Text} of=${of.confirm ?? "Yes"} /></button>
    </footer>
  <//>`;
}
