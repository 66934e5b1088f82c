// The list of keys, and whether single keys do anything.
import { html, nothing } from "../../vendor/lit-html.js";
import { browserKeeper } from "../keeper.js";
import * as texts from "../texts.js";
import { joinDialog } from "./dialog.js";
import { closeIcon } from "./icons.js";
import { KEPT } from "./keys.js";
import { region } from "./region.js";

/** @param {HTMLElement} element @param {import("../workspace.js").Workspace} workspace */
export function mountHelp(element, workspace) {
  const redraw = region(element, template, workspace);
  joinDialog(element, workspace, "help", redraw.now);

  function template() {
    if (workspace.dialog !== "help") return nothing;
    return html`<div class="sheet">
      <div class="sheet-head"><h2 id="help-title">${texts.keys.title}</h2>
        <button class="icon-button" aria-label=${texts.keys.close}
          @click=${() => workspace.set({ dialog: null })}
          >${closeIcon}</button></div>
      <div class="key-groups">
        ${texts.keys.groups.map(([title, rows]) => html`<section><h3>${title}</h3><dl>
          ${rows.map(([keys, text]) => html`<div><dt>${text}</dt><dd
            >${keys.map((key) => html`<kbd>${key}</kbd>`)}</dd></div>`)}
        </dl></section>`)}
      </div>
      <label class="check"><input type="checkbox" .checked=${workspace.singleKeys} @change=${onSingle}>
        <span>${texts.keys.single}<small>${texts.keys.singleHint}</small></span></label>
      <p class="sheet-foot"><a href="/-/licenses" target="_blank" rel="noopener"
        >${texts.keys.licences}</a></p>
    </div>`;
  }

  /** @param {Event} event */
  function onSingle(event) {
    const isOn = /** @type {HTMLInputElement} */ (event.target).checked;
    browserKeeper.setItem(KEPT, isOn ? "on" : "off");
    workspace.set({ singleKeys: isOn });
  }
}
