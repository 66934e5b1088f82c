// The frame: which regions are visible on which screen, the panel's tabs, a phone's places,
// notices.
import { html, nothing, repeat } from "../../vendor/lit-html.js";
import * as texts from "../texts.js";
import { chatIcon, closeIcon, codeIcon, filesIcon, proposalIcon } from "./icons.js";
import { region } from "./region.js";

/** @typedef {import("../workspace.js").Workspace} Workspace */
/**
 * @typedef {{ chat: () => number, proposals: () => number, of: import("../observable.js").Observable[] }}
 *   Counts
 */

/** @param {string} id */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element;
}

/** @param {number} count */
function badge(count) {
  return count > 0 ? html`<span class="count">${count > 99 ? "99+" : count}</span>` : nothing;
}

/**
 * Updates the body's attributes from the workspace; the style sheet does the rest.
 * @param {Workspace} workspace
 */
export function mountFrame(workspace) {
  const chat = byId("chat");
  const proposals = byId("proposals");
  const apply = () => {
    document.body.dataset.place = workspace.place;
    document.body.dataset.drawer = String(workspace.drawer);
    chat.hidden = workspace.panel !== "chat";
    proposals.hidden = workspace.panel !== "proposals";
  };
  workspace.subscribe(apply);
  apply();
}

/** @param {HTMLElement} element @param {{ workspace: Workspace, counts: Counts }} models */
export function mountPanelTabs(element, { workspace, counts }) {
  /** @type {("chat" | "proposals")[]} */
  const panels = ["chat", "proposals"];
  region(element, template, workspace, ...counts.of);

  function template() {
    return html`<div class="panel-tabs" role="tablist" aria-label=${texts.bar.panel} @keydown=${onKey}>
        ${panels.map((panel) => html`<button role="tab" id="tab-${panel}" aria-controls=${panel}
          aria-selected=${String(workspace.panel === panel)} tabindex=${workspace.panel === panel ? 0 : -1}
          @click=${() => workspace.openPanel(panel)}
          >${texts.places[panel]}${badge(counts[panel]())}</button>`)}
      </div>
      <button class="icon-button drawer-close" aria-label=${texts.take.close}
        @click=${() => workspace.set({ drawer: false })}>${closeIcon}</button>`;
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    const other = workspace.panel === "chat" ? "proposals" : "chat";
    workspace.openPanel(other);
    byId(`tab-${other}`).focus();
    event.preventDefault();
  }
}

/**
 * A phone's bar at the bottom.
 * @param {HTMLElement} element
 * @param {{ workspace: Workspace, counts: Counts }} models
 */
export function mountPlaces(element, { workspace, counts }) {
  region(element, template, workspace, ...counts.of);

  function template() {
    const { place, panel } = workspace;
    return html`
      ${item(texts.places.files, filesIcon, place === "files", 0, () => workspace.set({ place: "files" }))}
      ${item(texts.places.code, codeIcon, place === "code", 0, () => workspace.set({ place: "code" }))}
      ${panelItem("chat", chatIcon)} ${panelItem("proposals", proposalIcon)}`;

    /** @param {"chat" | "proposals"} which @param {unknown} icon */
    function panelItem(which, icon) {
      const isHere = place === "panel" && panel === which;
      return item(texts.places[which], icon, isHere, counts[which](), () => workspace.openPanel(which));
    }
  }

  /**
   * @param {string} label
   * @param {unknown} icon
   * @param {boolean} isHere
   * @param {number} count
   * @param {() => void} go
   */
  function item(label, icon, isHere, count, go) {
    return html`<button aria-current=${isHere ? "page" : nothing} @click=${go}>${icon}<span
      >${label}</span>${badge(count)}</button>`;
  }
}

/** @param {HTMLElement} element @param {import("../notices.js").Notices} notices */
export function mountNotices(element, notices) {
  region(element, () => repeat(notices.shown, ({ id }) => id, ({ id, text, tone, action }) => html`
    <div class="notice" data-tone=${tone}><span>${text}</span>
      ${action
        ? html`<button class="button quiet" @click=${() => { notices.dismiss(id); action.run(); }}
          >${action.label}</button>`
        : nothing}
      <button class="icon-button" aria-label=${texts.state.dismiss} @click=${() => notices.dismiss(id)}
        >${closeIcon}</button>
    </div>`), notices);
}
