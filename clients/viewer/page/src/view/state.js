// What is shown instead of the code if there is none: one sentence, and one thing to do.
import { html, nothing } from "../../vendor/lit-html.js";
import { readFragment, visible } from "../names.js";
import * as texts from "../texts.js";
import { copyText } from "./clipboard.js";
import { closeIcon } from "./icons.js";
import { region } from "./region.js";

/** A first connection that is made within this time needs no message. */
const PATIENCE_MS = 700;
/** The form of a token without a link. */
const TOKEN = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/**
 * @param {HTMLElement} element
 * @param {{ session: import("../session.js").Session, connection: import("../connection.js").Connection,
 *   project: import("../project.js").Project, workspace: import("../workspace.js").Workspace,
 *   notices: import("../notices.js").Notices }} models
 */
export function mountState(element, { session, connection, project, workspace, notices }) {
  const began = performance.now();
  let linkFault = "";
  const redraw = region(element, template, session, connection, project, workspace);
  setTimeout(redraw, PATIENCE_MS);
  setInterval(() => connection.state === "waiting" && !element.hidden && redraw(), 1000);

  function template() {
    const shown = body();
    element.hidden = shown === null;
    return shown ?? nothing;
  }

  function body() {
    const { streamer, project: name } = session;
    switch (session.phase) {
      case "denied": {
        const { title, text } = session.tokenState === "expired" ? texts.state.expired
          : session.tokenState === "wrong" ? texts.state.wrong : texts.state.denied;
        return card(title, text(streamer), linkForm());
      }
      case "refused":
        return card(texts.state.refused.title, visible(session.refusal),
          button(texts.state.refused.action, () => connection.reconnect()));
      case "missing": {
        const { title, text, action } = texts.state.missing;
        return card(title, text(streamer, name), html`<a class="button" href="/">${action}</a>`);
      }
      case "connecting": {
        if (connection.state === "waiting") {
          const { title, text, action } = texts.state.unreachable;
          const seconds = Math.max(1, Math.ceil((connection.retryAt - Date.now()) / 1000));
          return card(title, text(seconds), button(action, () => connection.start()));
        }
        if (performance.now() - began < PATIENCE_MS) return null;
        const { title, text } = texts.state.connecting;
        return card(title, text(`${streamer} / ${name}`), nothing);
      }
    }
    if (!project.loaded || workspace.stage.kind !== "file" || workspace.active !== null) return null;
    if (project.entries.size === 0) {
      const { title, text, action } = texts.state.empty;
      return card(title, text(streamer), button(action, () => void copyPage()));
    }
    const { title, text, action } = texts.state.pick;
    return card(title, text, button(action, () => workspace.set({ dialog: "palette" })));
  }

  /** @param {string} title @param {string} text @param {unknown} way */
  function card(title, text, way) {
    return html`<div class="empty"><h2>${title}</h2><p>${text}</p>${way}</div>`;
  }

  /** @param {string} label @param {() => void} run */
  function button(label, run) {
    return html`<button class="button primary" @click=${run}>${label}</button>`;
  }

  function linkForm() {
    return html`<form class="row-form" @submit=${onLink}>
      <label class="visually-hidden" for="link">${texts.state.link}</label>
      <input id="link" class="field" name="link" autocomplete="off" spellcheck="false"
        placeholder=${texts.state.link} required>
      <button class="button primary">${texts.state.open}</button>
    </form>${linkFault ? html`<p class="fault" role="alert">${linkFault}</p>` : nothing}`;
  }

  /** @param {SubmitEvent} event */
  function onLink(event) {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.currentTarget);
    const link = String(new FormData(form).get("link") ?? "").trim();
    const { token } = readFragment(TOKEN.test(link) ? `token=${link}` : link.slice(link.indexOf("#")));
    linkFault = token ? "" : texts.state.noToken;
    form.reset();
    if (token) session.useToken(token);
    redraw();
  }

  async function copyPage() {
    notices.say((await copyText(location.href)) ? texts.stage.linkCopied : texts.stage.linkPlaced);
  }
}

/**
 * The sentence above the tabs when a token has been lost and watching continues.
 * @param {HTMLElement} element
 * @param {import("../session.js").Session} session
 */
export function mountBanner(element, session) {
  /** @type {string | null} */
  let dismissed = null;
  const redraw = region(element, template, session);

  function template() {
    const text = lossOf(session);
    if (text === null) dismissed = null;
    if (text === null || session.phase !== "ready" || dismissed === text) return nothing;
    const dismiss = () => {
      dismissed = text;
      redraw();
    };
    return html`<div class="banner" role="status"><span>${text}</span>
      <button class="icon-button" aria-label=${texts.state.dismiss} @click=${dismiss}
        >${closeIcon}</button></div>`;
  }
}

/** @param {import("../session.js").Session} session @returns {string | null} */
function lossOf({ tokenState, lostName }) {
  if (tokenState === "expired") return texts.state.expiredBanner;
  if (tokenState === "wrong") return texts.state.wrongBanner;
  if (lostName === null) return null;
  return lostName === "expired" ? texts.state.nameExpiredBanner : texts.state.nameRefusedBanner;
}
