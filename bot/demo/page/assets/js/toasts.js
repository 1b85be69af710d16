// Short notices in a corner; they leave by themselves, errors later than the rest.
import { html, useCallback, useState } from "./preact.js";
import { CloseButton } from "./dialogs.js";
import { Icon } from "./icons.js";

const STAYS_MS = { info: 5000, error: 12000 };
let count = 0;

export function useToasts() {
  const [toasts, setToasts] = useState([]);
  const drop = useCallback((id) => setToasts((all) => all.filter((toast) => toast.id !== id)), []);
  const toast = useCallback((text, kind = "info") => {
    const id = ++count;
    setToasts((all) => [...all.filter((old) => old.text !== text), { id, text, kind }]);
    setTimeout(() => drop(id), STAYS_MS[kind]);
  }, []);
  return [toasts, toast, drop];
}

export function Toasts({ toasts, drop }) {
  return html`<div class="toasts" role="status">${toasts.map(({ id, text, kind }) => html`<div class="toast" data-kind=${kind} key=${id}>
    <${Icon} name=${kind === "error" ? "warning" : "info"} /><span>${text}</span><${CloseButton} label="Dismiss" onClick=${() => drop(id)} /></div>`)}</div>`;
}
