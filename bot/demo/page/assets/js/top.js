// The bar above everything.
import { html, useEffect } from "./preact.js";
import { Icon } from "./icons.js";
import { useMemory } from "./memory.js";

export function Top({ layout, connections, openDrawer, startOver, tour }) {
  return html`<header class="top">
    ${layout === "phone" && html`<button type="button" class="top-button" aria-label="Places and people"
      onClick=${() => openDrawer("sidebar")}><${Icon} name="menu" /></button>`}
    <h1 class="brand"><img src="assets/icon.svg" alt="" width="22" height="22" />
      <span>Purgebot <span class="wide-only">playground</span></span></h1>
    <span class="connection" data-on=${connections > 0 ? "" : undefined} role="status">
      <span class="dot" aria-hidden="true"></span><span>${connections > 0 ? "Purgebot is connected" : "Purgebot is not connected"}</span></span>
    <span class="spring"></span>
    ${tour.dismissed && html`<button type="button" class="top-button" onClick=${tour.restart}><span>Guide</span></button>`}
    <${ThemeButton} />
    <button type="button" class="top-button" aria-label="Start over" onClick=${startOver}>
      <${Icon} name="restart" /><span class="wide-only">Start over</span></button>
    ${layout !== "wide" && html`<button type="button" class="top-button" aria-label="Backstage" onClick=${() => openDrawer("backstage")}>
      <${Icon} name="cloud" /><span class="wide-only">Backstage</span></button>`}
  </header>`;
}

const THEMES = [null, "light", "dark"];
const LOOKS = { null: ["auto", "as the system"], light: ["sun", "light"], dark: ["moon", "dark"] };

function ThemeButton() {
  const [theme, setTheme] = useMemory("theme", null);
  useEffect(() => {
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
  }, [theme]);
  const [icon, words] = LOOKS[theme];
  return html`<button type="button" class="top-button" aria-label=${`Theme: ${words}. Change it`} title=${`Theme: ${words}`}
    onClick=${() => setTheme(THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length])}><${Icon} name=${icon} /></button>`;
}
