// Block Kit's layout blocks, as Slack lays them out.
import { html, useContext, useId } from "./preact.js";
import { Element, ImagePlaceholder, Place } from "./elements.js";
import { Icon } from "./icons.js";
import { Markdown } from "./markdown.js";
import { Mrkdwn, Text } from "./mrkdwn.js";
import { RichText } from "./richtext.js";

export function Blocks({ blocks }) {
  return (blocks ?? []).map((block, i) => html`<${Block} key=${block.block_id ?? i} block=${block} />`);
}

function Block({ block }) {
  const Known = BLOCKS[block.type];
  if (!Known) return html`<p class="unknown">A block of type ${block.type} is not shown here.</p>`;
  return html`<div class=${`block block-${block.type}`}><${Known} block=${block} /></div>`;
}

function Section({ block }) {
  const { text, fields, accessory } = block;
  return html`
    <div class="section-main">
      ${text && html`<${Text} of=${text} />`}
      ${fields && html`<div class="fields">${fields.map((field) => html`<div><${Text} of=${field} /></div>`)}</div>`}
    </div>
    ${accessory && html`<div class="section-side"><${Element} of=${accessory} block=${block} /></div>`}`;
}

function Context({ block }) {
  return block.elements.map((element) => element.type === "image"
    ? html`<${ImagePlaceholder} of=${element} small />`
    : html`<div><${Text} of=${element} /></div>`);
}

function Actions({ block }) {
  return block.elements.map((element) => html`<${Element} key=${element.action_id} of=${element} block=${block} />`);
}

function Image({ block }) {
  return html`${block.title && html`<div class="image-title"><${Text} of=${block.title} /></div>`}<${ImagePlaceholder} of=${block} />`;
}

function Input({ block }) {
  const id = useId();
  const { form } = useContext(Place);
  const error = form?.errors[block.block_id];
  return html`
    <div class="input-label" id=${id}><${Text} of=${block.label} />${block.optional && html` <span class="optional">(optional)</span>`}</div>
    <${Element} of=${block.element} block=${block} labelledby=${id} />
    ${error && html`<p class="input-error" role="alert">${error}</p>`}
    ${block.hint && html`<p class="input-hint"><${Text} of=${block.hint} /></p>`}`;
}

const ALERT_ICONS = { warning: "warning", error: "warning", success: "check" };
function Alert({ block }) {
  const level = ["info", "warning", "error", "success"].includes(block.level) ? block.level : "default";
  return html`<div class=${`alert alert-${level}`}><${Icon} name=${ALERT_ICONS[level] ?? "info"} /><div><${Text} of=${block.text} /></div></div>`;
}

function cell(of, align) {
  const shown = of.type === "rich_text" ? html`<${RichText} block=${of} />` : String(of.text ?? of.value ?? of.number ?? "");
  return { shown, align: align ?? (of.type === "raw_number" ? "right" : "left") };
}

function Table({ block }) {
  const settings = block.column_settings ?? [];
  const row = (cells, Tag) => html`<tr>${cells.map((of, column) => {
    const { shown, align } = cell(of, settings[column]?.align);
    return html`<${Tag} data-align=${align} data-wrapped=${settings[column]?.is_wrapped ? "" : undefined}
      scope=${Tag === "th" ? "col" : undefined}>${shown}<//>`;
  })}</tr>`;
  const [head, ...body] = block.rows;
  return html`<div class="table-scroll" tabindex="0" role="group" aria-label="Table"><table>
    <thead>${row(head, "th")}</thead><tbody>${body.map((cells) => row(cells, "td"))}</tbody></table></div>`;
}

const STATUS = { pending: "to do", in_progress: "in progress", complete: "done", error: "failed" };
function TaskCard({ block }) {
  const more = [block.details, block.output].filter((part) => part?.elements);
  const sources = block.sources ?? [];
  const head = html`<span class="task-mark" data-status=${block.status} role="img" aria-label=${STATUS[block.status] ?? block.status}>
      ${block.status === "complete" && html`<${Icon} name="check" size=${12} />`}
      ${block.status === "error" && html`<${Icon} name="close" size=${12} />`}
    </span><span class="task-title">${block.title}</span>`;
  if (!more.length && !sources.length) return html`<div class="task-head">${head}</div>`;
  return html`<details><summary class="task-head">${head}</summary><div class="task-more">
    ${more.map((part) => html`<${RichText} block=${part} />`)}
    ${sources.map((source) => html`<div><${Mrkdwn} text=${`<${source.url}|${source.text ?? source.url}>`} /></div>`)}</div></details>`;
}

function Plan({ block }) {
  return html`<div class="plan-title">${block.title}</div><${Blocks} blocks=${block.tasks?.map((task) => ({ type: "task_card", ...task }))} />`;
}

function Card({ block }) {
  return html`
    ${block.hero_image && html`<${ImagePlaceholder} of=${block.hero_image} />`}
    <div class="card-head">${block.icon && html`<${ImagePlaceholder} of=${block.icon} small />`}
      <div>${block.title && html`<strong><${Text} of=${block.title} /></strong>`}
        ${block.subtitle && html`<div class="quiet"><${Text} of=${block.subtitle} /></div>`}</div></div>
    ${block.body && html`<${Text} of=${block.body} />`}
    ${block.actions && html`<div class="block-actions"><${Actions} block=${{ ...block, elements: block.actions }} /></div>`}`;
}

function Container({ block }) {
  const title = block.rich_text_title ? html`<${RichText} block=${block.rich_text_title} />` : html`<${Text} of=${block.title} />`;
  const head = html`<strong>${title}</strong>${block.subtitle && html`<div class="quiet"><${Text} of=${block.subtitle} /></div>`}`;
  const inside = html`<${Blocks} blocks=${block.child_blocks} />`;
  if (!block.is_collapsible) return html`<div class="container-head">${head}</div>${inside}`;
  return html`<details open=${!block.default_collapsed}><summary>${head}</summary>${inside}</details>`;
}

const BLOCKS = {
  section: Section, context: Context, actions: Actions, context_actions: Actions, image: Image, input: Input,
  alert: Alert, table: Table, task_card: TaskCard, plan: Plan, card: Card, container: Container,
  divider: () => html`<hr />`,
  header: ({ block }) => html`<p class="header-text" role="heading" aria-level="3"><${Text} of=${block.text} /></p>`,
  rich_text: RichText,
  markdown: ({ block }) => html`<${Markdown} text=${block.text} />`,
  carousel: ({ block }) => html`<div class="carousel"><${Blocks} blocks=${block.elements} /></div>`,
  file: ({ block }) => html`<span class="quiet">File ${block.external_id}</span>`,
  video: ({ block }) => html`<${ImagePlaceholder} of=${block} />`,
};
