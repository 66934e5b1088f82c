// The tree of files: the document has only as many rows as are visible, however large the project
// is.
import { classMap, html, nothing, repeat } from "../../vendor/lit-html.js";
import { folderOf, visible } from "../names.js";
import { foldersAbove, rowLabel } from "../folders.js";
import * as texts from "../texts.js";
import { downloadIcon, editIcon, searchIcon } from "./icons.js";
import { region } from "./region.js";

/** @typedef {import("../folders.js").Row} Row */

/** The most rows in the document. */
const MAX_ROWS = 60;
const MARGIN_ROWS = 6;
const TYPE_AHEAD_MS = 800;
/**
 * If more files than this have changed, folders are no longer marked: finding them would take too
 * long.
 */
const MAX_TOUCHED = 2000;

/**
 * @param {HTMLElement} element
 * @param {{ project: import("../project.js").Project, workspace: import("../workspace.js").Workspace,
 *   isEdited: (name: string) => boolean, edits: import("../observable.js").Observable }} models
 */
export function mountTree(element, { project, workspace, isEdited, edits }) {
  /** @type {Set<string>} */
  const open = new Set();
  /** @type {Row[]} */
  let rows = [];
  let drawn = "";
  /** @type {string | null} */
  let cursor = null;
  /** @type {string | null} */
  let revealed = null;
  let typed = "";
  let typedAt = 0;
  let rowHeight = 26;

  const list = () => /** @type {HTMLElement | null} */ (element.querySelector("[role=tree]"));
  const indexOf = (/** @type {string | null} */ name) => rows.findIndex((row) => row.name === name);

  function template() {
    refresh();
    const box = list();
    const height = box?.clientHeight ?? 0;
    const first = Math.max(0, Math.floor((box?.scrollTop ?? 0) / rowHeight) - MARGIN_ROWS);
    const count = Math.min(MAX_ROWS, Math.ceil(height / rowHeight) + 2 * MARGIN_ROWS);
    const shown = rows.slice(first, first + count);
    const active = indexOf(cursor);
    const isShown = active >= first && active < first + shown.length;
    return html`
      <div class="head">
        <h2>${texts.files.heading}</h2>
        <span class="gap"></span>
        <button class="icon-button phone-only" @click=${() => workspace.set({ dialog: "take" })}
          title=${texts.bar.take} aria-label=${texts.bar.take}>${downloadIcon}</button>
        <button class="icon-button" @click=${() => workspace.set({ dialog: "palette" })}
          title="${texts.files.find} (t)" aria-label=${texts.files.find}>${searchIcon}</button>
      </div>
      ${project.loaded || project.listed === null
        ? nothing
        : html`<p class="tree-note">${texts.files.loading(project.listed)}</p>`}
      <div class="tree" role="tree" tabindex="0" aria-label=${texts.files.heading}
        aria-activedescendant=${isShown ? `row-${active}` : nothing}
        @scroll=${() => redraw()} @keydown=${onKey} @click=${onClick} @dblclick=${onDoubleClick}
        @focus=${onFocus}>
        <div class="tree-space" role="presentation" .style=${`height: ${rows.length * rowHeight}px`}>
          <div role="presentation" .style=${`transform: translateY(${first * rowHeight}px)`}>
            ${repeat(shown, ({ name }) => name, (row, at) => rowTemplate(row, first + at))}
          </div>
        </div>
      </div>
    `;
  }

  /** @param {Row} row @param {number} index */
  function rowTemplate({ name, depth, position, siblings }, index) {
    const isFolder = name.endsWith("/");
    const isOpen = isFolder && open.has(name);
    const isTouched = isFolder ? !isOpen && holdsTouched(name) : project.touched.has(name);
    const isActive = name === workspace.active;
    const classes = {
      "tree-row": true, folder: isFolder, cursor: name === cursor, active: isActive, open: isOpen,
    };
    return html`<div class=${classMap(classes)} role="treeitem" id="row-${index}" data-name=${name}
      aria-level=${depth + 1} aria-posinset=${position} aria-setsize=${siblings}
      aria-expanded=${isFolder ? String(isOpen) : nothing} aria-selected=${String(name === workspace.active)}
      .style=${`--depth: ${depth}`}
      ><bdi class="label" title=${visible(name)}>${visible(rowLabel(name))}</bdi
      >${isEdited(name) ? html`<span class="edited" role="img" aria-label=${texts.files.edited}
        title=${texts.files.edited}>${editIcon}</span>` : nothing
      }${isTouched ? html`<span class="dot" role="img" aria-label=${texts.files.changed}
        title=${texts.files.changed}></span>` : nothing
      }</div>`;
  }

  /** @param {string} folder */
  function holdsTouched(folder) {
    if (project.touched.size > MAX_TOUCHED) return false;
    for (const name of project.touched.keys()) if (name.startsWith(folder)) return true;
    return false;
  }

  /** Updates the rows from the project, and scrolls to the active file's row once. */
  function refresh() {
    if (workspace.active !== revealed && workspace.active && project.entries.has(workspace.active)) {
      revealed = cursor = workspace.active;
      for (const folder of foldersAbove(revealed)) open.add(folder);
      requestAnimationFrame(() => reveal());
    }
    const wanted = `${project.folders.version} ${open.size} ${[...open].join("\n")}`;
    if (wanted === drawn) return;
    drawn = wanted;
    rows = project.folders.rows(open);
    cursor ??= rows[0]?.name ?? null;
  }

  /** Scrolls just far enough for the cursor's row to be visible. */
  function reveal() {
    const box = list();
    const at = indexOf(cursor);
    if (!box || at < 0) return;
    rowHeight = parseFloat(getComputedStyle(element).getPropertyValue("--row")) || rowHeight;
    const top = at * rowHeight;
    if (top < box.scrollTop + rowHeight) box.scrollTop = top - 2 * rowHeight;
    else if (top > box.scrollTop + box.clientHeight - 2 * rowHeight) {
      box.scrollTop = top - box.clientHeight + 3 * rowHeight;
    }
    redraw();
  }

  /** @param {string} name @param {boolean} [isOpen] */
  function toggle(name, isOpen = !open.has(name)) {
    if (isOpen) open.add(name);
    else open.delete(name);
    redraw();
  }

  /** @param {string | undefined} name */
  function moveTo(name) {
    if (!name) return;
    cursor = name;
    reveal();
  }

  /** @param {Event} event */
  function nameAt(event) {
    const row = /** @type {HTMLElement} */ (event.target).closest?.("[data-name]");
    return row?.getAttribute("data-name") ?? null;
  }

  /** @param {MouseEvent} event */
  function onClick(event) {
    const name = nameAt(event);
    if (!name) return;
    cursor = name;
    if (name.endsWith("/")) toggle(name);
    else workspace.open(name);
    redraw();
  }

  /** @param {MouseEvent} event */
  function onDoubleClick(event) {
    const name = nameAt(event);
    if (name && !name.endsWith("/")) workspace.open(name, { keep: true });
  }

  function onFocus() {
    if (indexOf(cursor) < 0) cursor = rows[0]?.name ?? null;
    reveal();
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    refresh();
    const at = indexOf(cursor);
    const page = Math.max(1, Math.floor((list()?.clientHeight ?? 0) / rowHeight) - 1);
    const isFolder = cursor?.endsWith("/") ?? false;
    switch (event.key) {
      case "ArrowDown": moveTo(rows[at + 1]?.name); break;
      case "ArrowUp": moveTo(rows[at - 1]?.name); break;
      case "Home": moveTo(rows[0]?.name); break;
      case "End": moveTo(rows.at(-1)?.name); break;
      case "PageDown": moveTo(rows[Math.min(at + page, rows.length - 1)]?.name); break;
      case "PageUp": moveTo(rows[Math.max(at - page, 0)]?.name); break;
      case "ArrowRight":
        if (cursor && isFolder) open.has(cursor) ? moveTo(rows[at + 1]?.name) : toggle(cursor, true);
        break;
      case "ArrowLeft":
        if (cursor && isFolder && open.has(cursor)) toggle(cursor, false);
        else if (cursor) moveTo(rows[indexOf(parentOf(cursor))]?.name);
        break;
      case "Enter":
      case " ":
        if (!cursor) return;
        if (isFolder) toggle(cursor);
        else workspace.open(cursor, { keep: event.key === "Enter", focus: event.key === "Enter" });
        break;
      default:
        if (event.key.length !== 1) return;
        typeAhead(event.key);
    }
    if (event.key.length > 1) typedAt = -Infinity;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Goes to the next row whose label starts with the letters just typed. @param {string} key */
  function typeAhead(key) {
    const now = performance.now();
    typed = now - typedAt > TYPE_AHEAD_MS ? key : typed + key;
    typedAt = now;
    const start = indexOf(cursor) + (typed.length === 1 ? 1 : 0);
    const wanted = typed.toLowerCase();
    for (let step = 0; step < rows.length; step++) {
      const { name } = rows[(start + step) % rows.length];
      if (rowLabel(name).toLowerCase().startsWith(wanted)) return moveTo(name);
    }
  }

  const redraw = region(element, template, project, workspace, edits);
  new ResizeObserver(() => reveal()).observe(element);
}

/** @param {string} name */
function parentOf(name) {
  return folderOf(name.endsWith("/") ? name.slice(0, -1) : name);
}
