// The project as a download, and the commands to get it in a terminal.
import { html, nothing } from "../../vendor/lit-html.js";
import { cloneCommand, mirrorCommand } from "../commands.js";
import { visible } from "../names.js";
import * as texts from "../texts.js";
import { copyText } from "./clipboard.js";
import { joinDialog } from "./dialog.js";
import { closeIcon, downloadIcon } from "./icons.js";
import { region } from "./region.js";

/**
 * @param {HTMLElement} element
 * @param {{ session: import("../session.js").Session, project: import("../project.js").Project,
 *   workspace: import("../workspace.js").Workspace, onDownload: () => void }} models
 *   `onDownload` hears that the form is being sent
 */
export function mountTake(element, { session, project, workspace, onDownload }) {
  /** The command that was copied last. @type {string | null} */
  let copied = null;
  const redraw = region(element, template, workspace, project);
  joinDialog(element, workspace, "take", () => {
    copied = null;
    redraw.now();
  });

  function template() {
    if (workspace.dialog !== "take") return nothing;
    let bytes = 0;
    for (const { size } of project.entries.values()) bytes += size;
    return html`<div class="sheet small">
      <div class="sheet-head"><h2 id="take-title">${texts.take.title}</h2>
        <button class="icon-button" aria-label=${texts.take.close}
          @click=${() => workspace.set({ dialog: null })}>${closeIcon}</button></div>
      <form method="post" action=${session.zipAddress} @submit=${onDownload} @formdata=${onFormData}>
        <button class="button primary">${downloadIcon}<span>${texts.take.zip}</span></button>
        <span class="hint">${texts.take.zipHint(project.entries.size, bytes)}</span>
      </form>
      <p>${texts.take.mirror}</p>
      ${commandTemplate(mirrorCommand(where()))}
      <p>${texts.take.clone}</p>
      ${commandTemplate(cloneCommand(where()))}
      ${session.token ? html`<p class="hint">${texts.take.token}</p>` : nothing}
    </div>`;
  }

  function where() {
    const url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}`;
    return { streamer: session.streamer, project: session.project, url };
  }

  /** @param {string} command */
  function commandTemplate(command) {
    const label = copied === command ? texts.take.copied : texts.take.copy;
    return html`<div class="command"><code tabindex="0">${visible(command)}</code>
      <button class="button" @click=${() => copy(command)}>${label}</button></div>`;
  }

  /**
   * The token is in the body, and only while the form is being sent.
   * @param {FormDataEvent} event
   */
  function onFormData(event) {
    const token = session.token;
    if (token) event.formData.set("token", token);
  }

  /** @param {string} command */
  async function copy(command) {
    copied = (await copyText(command)) ? command : null;
    redraw();
  }
}
