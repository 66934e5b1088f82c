// The dialog in which a guest takes a name, or gives it up again.
import { html, nothing } from "../../vendor/lit-html.js";
import { ConnectionLost, RequestError } from "../connection.js";
import { visible } from "../names.js";
import * as texts from "../texts.js";
import { joinDialog } from "./dialog.js";
import { closeIcon } from "./icons.js";
import { region } from "./region.js";

/**
 * @param {HTMLElement} element
 * @param {{ session: import("../session.js").Session, workspace: import("../workspace.js").Workspace,
 *   focusPanel: () => void }} models
 */
export function mountEntry(element, { session, workspace, focusPanel }) {
  let fault = "";
  let isAsking = false;
  /** Whether a name has been given and its rights are still awaited. */
  let isEntering = false;
  const redraw = region(element, template, session, workspace);
  joinDialog(element, workspace, "entry", () => {
    fault = "";
    redraw.now();
  });

  function template() {
    if (workspace.dialog !== "entry") return nothing;
    const name = session.mayJoin ? null : session.you.name;
    return html`<div class="sheet small">
      <div class="sheet-head"><h2 id="entry-title">${name === null ? texts.entry.title : visible(name)}</h2>
        <button class="icon-button" aria-label=${texts.take.close} @click=${close}>${closeIcon}</button></div>
      ${name === null ? formTemplate() : html`<p>${texts.entry.known(name)}</p>
        <div class="sheet-actions"><button class="button" @click=${leave}
          >${texts.entry.leave}</button></div>`}
    </div>`;
  }

  function formTemplate() {
    return html`<form @submit=${onSubmit}>
      <p>${session.guests === "propose" ? texts.entry.propose : texts.entry.chat}</p>
      <label class="labelled"><span>${texts.entry.name}</span>
        <input class="field" name="name" maxlength="32" required autofocus autocomplete="nickname"
          spellcheck="false"
          aria-describedby="entry-fault" ?readonly=${isAsking}></label>
      <p class="fault" id="entry-fault" role="alert">${fault}</p>
      <div class="sheet-actions"><button type="button" class="button quiet" @click=${close}
        >${texts.entry.cancel}</button>
        <button class="button primary" ?disabled=${isAsking}>${texts.entry.join}</button></div>
    </form>`;
  }

  /** @param {SubmitEvent} event */
  async function onSubmit(event) {
    event.preventDefault();
    if (isAsking) return;
    const form = /** @type {HTMLFormElement} */ (event.currentTarget);
    const field = /** @type {HTMLInputElement} */ (form.elements.namedItem("name"));
    const name = field.value.trim();
    isAsking = true;
    fault = "";
    redraw();
    try {
      await session.enterAsGuest(name);
      isEntering = true;
      close();
    } catch (error) {
      if (error instanceof ConnectionLost) fault = texts.entry.lost;
      else if (session.banned) close();
      else if (error instanceof RequestError && error.answer.suggestion) {
        const free = error.answer.suggestion.replace(/^~/, "");
        fault = texts.entry.taken(free);
        field.value = free;
      } else fault = visible(error instanceof Error ? error.message : String(error));
    }
    isAsking = false;
    redraw();
    if (!isEntering) field.focus();
  }

  // The focus was on the button that opened the dialog, which disappears when the panel is drawn
  // with the name.
  session.onReady(() => {
    if (!isEntering) return;
    isEntering = false;
    requestAnimationFrame(() => document.activeElement === document.body && focusPanel());
  });

  function leave() {
    session.leave();
    close();
  }

  function close() {
    workspace.set({ dialog: null });
  }
}
