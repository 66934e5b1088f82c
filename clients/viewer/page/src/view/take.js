// The project as a download, and the command that keeps a copy in step with it.
import { html, nothing } from "../../vendor/lit-html.js";
import * as texts from "../texts.js";
import { copyText } from "./clipboard.js";
import { joinDialog } from "./dialog.js";
import { closeIcon, downloadIcon } from "./icons.js";
import { region } from "./region.js";

/**
 * @param {HTMLElement} element
 * @param {{ session: import("../session.js").Session, project: import("../project.js").Project,
 *   workspace: import("../workspace.js").Workspace }} models
 */
export function mountTake(element, { session, project, workspace }) {
  let copied = false;
  const redraw = region(element, template, workspace, project);
  joinDialog(element, workspace, "take", () => {
    copied = false;
    redraw();
  });

  function template() {
    if (workspace.dialog !== "take") return nothing;
    let bytes = 0;
    for (const { size } of project.entries.values()) bytes += size;
    return html`<div class="sheet small">
      <div class="sheet-head"><h2 id="take-title">${texts.take.title}</h2>
        <button class="icon-button" aria-label=${texts.take.close} @click=${() => workspace.set({ dialog: null })}>${closeIcon}</button></div>
      <form method="post" action=${session.zipAddress} @formdata=${onFormData}>
        <button class="button primary">${downloadIcon}<span>${texts.take.zip}</span></button>
        <span class="hint">${texts.take.zipHint(project.entries.size, bytes)}</span>
      </form>
      <p>${texts.take.clone}</p>
      <div class="command"><code tabindex="0">${command()}</code>
        <button class="button" @click=${copy}>${copied ? texts.take.copied : texts.take.copy}</button></div>
    </div>`;
  }

  function command() {
    const url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}`;
    return `twicecast mirror ${quoted(`${session.streamer}/${session.project}`)} --url ${url}`;
  }

  /** The token goes along in the body, only while the form is being sent. @param {FormDataEvent} event */
  function onFormData(event) {
    const token = session.token;
    if (token) event.formData.set("token", token);
  }

  async function copy() {
    copied = await copyText(command());
    redraw();
  }
}

/** @param {string} word for a shell */
function quoted(word) {
  return /^[\w./~-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
