// The palette: type letters of a name to go to that file.
import { classMap, html, nothing, repeat } from "../../vendor/lit-html.js";
import { NameSearch, matchedLetters } from "../fuzzy.js";
import { visible } from "../names.js";
import * as texts from "../texts.js";
import { joinDialog } from "./dialog.js";
import { searchIcon } from "./icons.js";
import { region } from "./region.js";

const MAX_RESULTS = 50;

/**
 * @param {HTMLElement} element
 * @param {{ project: import("../project.js").Project,
 *   workspace: import("../workspace.js").Workspace }} models
 */
export function mountPalette(element, { project, workspace }) {
  const search = new NameSearch();
  let prepared = -1;
  let seen = -1;
  let query = "";
  /** @type {import("../workspace.js").Lines | null} */
  let lines = null;
  /** @type {string[]} */
  let found = [];
  let at = 0;
  const redraw = region(element, template, workspace, project);
  element.setAttribute("aria-label", texts.palette.label);

  joinDialog(element, workspace, "palette", () => {
    look("");
    redraw.now();
    const input = element.querySelector("input");
    if (input) input.value = "";
  });

  /** @param {string} typed */
  function look(typed) {
    const match = /^(.*?)(?::(\d+)?)?$/.exec(typed);
    const line = Number(match?.[2] ?? 0);
    query = match?.[1].trim() ?? "";
    lines = line > 0 ? { from: line, to: line } : null;
    find();
    at = 0;
  }

  function find() {
    seen = project.folders.version;
    if (query && prepared !== seen) {
      search.setNames(project.entries.keys());
      prepared = seen;
    }
    found = query ? search.find(query, MAX_RESULTS).map(({ name }) => name) : recent();
  }

  /** Files come and go while the viewer types; the chosen one stays chosen. */
  function refresh() {
    if (seen === project.folders.version) return;
    const chosen = found[at];
    find();
    const now = found.indexOf(chosen);
    at = now < 0 ? Math.max(0, Math.min(at, found.length - 1)) : now;
  }

  /** The files that changed last, then the open ones, then the newest according to the server. */
  function recent() {
    const touched = [...project.touched].sort(([, one], [, other]) => other - one).map(([name]) => name);
    const open = workspace.tabs.map(({ name }) => name);
    const newest = project.entries.size > 20_000 ? [] : [...project.entries]
      .sort(([, one], [, other]) => other.modified - one.modified).slice(0, 12).map(([name]) => name);
    const all = [...new Set([...touched, ...open, ...newest])];
    return all.filter((name) => project.entries.has(name)).slice(0, 12);
  }

  function template() {
    if (workspace.dialog !== "palette") return nothing;
    refresh();
    return html`<div class="palette">
      <div class="palette-field">${searchIcon}<input type="text" role="combobox" aria-expanded="true"
        aria-controls="found" aria-autocomplete="list"
        aria-label=${texts.palette.label} aria-activedescendant=${found.length ? `found-${at}` : nothing}
        autocomplete="off" autocapitalize="off" spellcheck="false" placeholder=${texts.palette.placeholder}
        @input=${onInput} @keydown=${onKey}></div>
      ${query ? nothing : html`<p class="palette-head">${texts.palette.recent}</p>`}
      <div class="palette-list" id="found" role="listbox" aria-label=${texts.palette.label}>
        ${repeat(found, (name) => name, itemTemplate)}
      </div>
      ${found.length ? nothing : html`<p class="palette-none">${texts.palette.none}</p>`}
      <p class="visually-hidden" role="status">${query ? texts.palette.found(found.length) : nothing}</p>
    </div>`;
  }

  /** @param {string} name @param {number} index */
  function itemTemplate(name, index) {
    const letters = query ? matchedLetters(name, query) : new Set();
    const base = name.lastIndexOf("/") + 1;
    return html`<div class=${classMap({ option: true, here: index === at })} role="option" id="found-${index}"
      aria-selected=${String(index === at)} @click=${() => go(name)} @pointermove=${() => turnTo(index)}
      ><bdi class="base">${marked(name, base, name.length, letters)}</bdi
      ><bdi class="folder">${marked(name, 1, Math.max(1, base - 1), letters)}</bdi
      >${project.touched.has(name)
        ? html`<span class="dot" role="img" aria-label=${texts.files.changed}></span>`
        : nothing}</div>`;
  }

  /**
   * A part of a name with its matched letters marked, in as few pieces as possible.
   * @param {string} name
   * @param {number} from
   * @param {number} to
   * @param {Set<number>} letters
   */
  function marked(name, from, to, letters) {
    const pieces = [];
    for (let start = from; start < to;) {
      const isFound = letters.has(start);
      let end = start + 1;
      while (end < to && letters.has(end) === isFound) end++;
      const text = visible(name.slice(start, end));
      pieces.push(isFound ? html`<mark>${text}</mark>` : text);
      start = end;
    }
    return pieces;
  }

  /** @param {InputEvent} event */
  function onInput(event) {
    look(/** @type {HTMLInputElement} */ (event.target).value);
    redraw();
    requestAnimationFrame(() => element.querySelector(".palette-list")?.scrollTo(0, 0));
  }

  /** @param {number} index */
  function turnTo(index) {
    if (index === at) return;
    at = index;
    redraw();
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    if (event.isComposing) return;
    if (event.key === "ArrowDown") at = Math.min(at + 1, found.length - 1);
    else if (event.key === "ArrowUp") at = Math.max(at - 1, 0);
    else if (event.key === "Enter") {
      if (found[at]) go(found[at]);
    } else return;
    event.preventDefault();
    redraw();
    requestAnimationFrame(() => element.querySelector(".here")?.scrollIntoView({ block: "nearest" }));
  }

  /** @param {string} name */
  function go(name) {
    workspace.set({ dialog: null });
    workspace.open(name, { lines, focus: true });
  }
}
