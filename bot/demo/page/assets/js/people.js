// Faces, badges and the choice of who is speaking.
import { html, useContext } from "./preact.js";
import { nameOf, Names } from "./atoms.js";
import { Icon } from "./icons.js";
import { Menu } from "./menu.js";

const BADGES = {
  admin: "admin", guest: "guest", outsider: "other workspace", deleted: "deactivated", bot: "app",
};
const UNSPEAKABLE = ["bot", "deleted"];
const SLACKBOT = "USLACKBOT";

export function Avatar({ person, size = 36 }) {
  const box = { width: `${size}px`, height: `${size}px`, fontSize: `${Math.round(size * 0.4)}px` };
  if (person?.kind === "bot") return html`<img class="avatar" src="assets/icon.svg" alt="" style=${box} />`;
  const color = `#${(person?.color || "616061").replace("#", "")}`;
  const initials = nameOf(person, "?").split(/\s+/).map((word) => word[0]).slice(0, 2).join("");
  return html`<span class="avatar" aria-hidden="true" style=${{ ...box, backgroundColor: color, color: inkOn(color) }}>${initials}</span>`;
}

/** Black or white, whichever is easier to read on the colour. */
function inkOn(color) {
  const [r, g, b] = [1, 3, 5].map((at) => (parseInt(color.slice(at, at + 2), 16) / 255) ** 2.2);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.18 ? "#000000" : "#ffffff";
}

export function Badge({ person }) {
  const badge = person && BADGES[person.kind];
  return badge ? html`<span class="badge" data-kind=${person.kind}>${badge}</span>` : null;
}

/** Those one can speak as; the deactivated are shown too, since refusing them is part of the story. */
export function cast(people) {
  return [...people.values()].filter(({ kind, id }) => kind !== "bot" && id !== SLACKBOT);
}

export function PersonRow({ person }) {
  const { groups } = useContext(Names);
  const handles = [...groups.values()].filter(({ users }) => users.includes(person.id)).map(({ handle }) => `@${handle}`);
  return html`<span class="person"><${Avatar} person=${person} size=${28} />
    <span class="person-words"><span class="person-name">${nameOf(person)} <${Badge} person=${person} /></span>
      <small>${[person.title, ...handles].filter(Boolean).join(" · ")}</small></span></span>`;
}

export function SpeakingAs({ speakAs }) {
  const { people, me } = useContext(Names);
  const options = cast(people).map((person) => ({
    key: person.id,
    label: nameOf(person),
    disabled: UNSPEAKABLE.includes(person.kind),
    content: html`<${PersonRow} person=${person} />`,
  }));
  const person = people.get(me);
  return html`<${Menu} label="Speak as" speaks className="speaking" options=${options}
      current=${me} onPick=${speakAs}>
    <span class="quiet">Speaking as</span> <${Avatar} person=${person} size=${20} /> <strong>${nameOf(person)}</strong>
    <${Badge} person=${person} /> <${Icon} name="down" size=${14} /><//>`;
}
