// The additional tools of moderators: a menu for each message, announcements, and what is in force.
import { html, live, nothing, repeat } from "../../vendor/lit-html.js";
import { Moderation } from "../moderation.js";
import { moderation as texts } from "../moderation-texts.js";
import { visible } from "../names.js";
import { joinDialog } from "./dialog.js";
import { closeIcon } from "./icons.js";
import { mountMenu } from "./message-menu.js";
import { region } from "./region.js";

/** @typedef {import("../room.js").ChatMessage} ChatMessage */
/** @typedef {import("../moderation.js").Sanction} Sanction */
/** @typedef {import("../moderation.js").Deed} Deed */
/** @typedef {ReturnType<typeof mountModeration>} Tools */

const SHEET = new URL("../../moderation.css", import.meta.url);
/** The choices of seconds between messages. */
const SLOW = [0, 5, 10, 30, 60];
const MAX_ROWS = 200;

// Nothing that comes with this module is shown before its style sheet is loaded.
await new Promise((resolve) => {
  const link = document.createElement("link");
  Object.assign(link, { rel: "stylesheet", href: SHEET, onload: resolve, onerror: resolve });
  document.head.append(link);
});

/**
 * @param {{ connection: import("../connection.js").Connection, room: import("../room.js").Room,
 *   session: import("../session.js").Session, workspace: import("../workspace.js").Workspace,
 *   notices: import("../notices.js").Notices }} models
 * @param {() => void} draw asks for another render of the chat
 */
export function mountModeration({ connection, room, session, workspace, notices }, draw) {
  const model = new Moderation(connection);
  const refused = (/** @type {string} */ message) => notices.say(texts.refused(message), { tone: "bad" });
  const undo = (/** @type {"unmute" | "unban"} */ action, /** @type {string} */ username) => ({
    label: texts.undo,
    run: () => void model.act(action, { username }, refused),
  });
  const menu = mountMenu(
    { room, session },
    {
      async remove(id) {
        await model.act("delete", { id }, refused);
      },
      async mute(username, seconds) {
        const done = await model.act("mute", { username, seconds }, refused);
        if (done) notices.say(texts.muted(username, done.until), { action: undo("unmute", username) });
      },
      async ban(username, seconds) {
        const data = seconds > 0 ? { username, seconds } : { username };
        const done = await model.act("ban", data, refused);
        if (done) notices.say(texts.banned(username, done.until ?? 0), { action: undo("unban", username) });
      },
    },
    draw,
  );

  const dialog = document.createElement("dialog");
  dialog.id = "moderation";
  dialog.setAttribute("aria-labelledby", "moderation-title");
  document.body.append(dialog);
  const redraw = region(dialog, sheet, workspace, model);
  joinDialog(dialog, workspace, "moderation", redraw.now);
  workspace.subscribe(() => {
    const isOpen = workspace.dialog === "moderation";
    if (isOpen === isLookedAt) return;
    isLookedAt = isOpen;
    model.look(isOpen);
  });
  let isLookedAt = false;

  const tools = {
    /** Whether the next message is an announcement. */
    announces: false,
    more: menu.button,
    head: () => html`<button class="button quiet" @click=${() => workspace.set({ dialog: "moderation" })}
      >${texts.title}</button>`,
    announce: () => html`<label class="announce"><input type="checkbox" .checked=${live(tools.announces)}
      @change=${(/** @type {any} */ event) => (tools.announces = event.target.checked)}
      >${texts.announce}</label>`,
  };
  return tools;

  function sheet() {
    if (workspace.dialog !== "moderation") return nothing;
    const { inForce } = model;
    return html`<div class="sheet small">
      <div class="sheet-head"><h2 id="moderation-title">${texts.title}</h2>
        <button class="icon-button" aria-label=${texts.close} @click=${() => workspace.set({ dialog: null })}
          >${closeIcon}</button></div>
      ${inForce
        ? html`${slow(inForce.slow)}
          ${sanctions(texts.mutes, inForce.muted, "unmute")}
          ${sanctions(texts.bans, inForce.banned, "unban")}
          <details><summary>${texts.log}</summary>
            ${inForce.log.length > 0
              ? html`<ol
                >${inForce.log.slice(-MAX_ROWS).reverse().map((deed) => html`<li>${tell(deed)}</li>`)}</ol>`
              : html`<p class="hint">${texts.noLog}</p>`}
          </details>`
        : html`<p class="hint">${texts.loading}</p>`}
      <p class="hint">${texts.keys}</p>
    </div>`;
  }

  /** @param {number} now */
  function slow(now) {
    const choices = SLOW.includes(now) ? SLOW : [...SLOW, now];
    const choose = (/** @type {any} */ event) =>
      void model.act("slow", { seconds: Number(event.target.value) }, refused);
    return html`<label class="labelled"><span>${texts.slow}</span>
      <select class="field" name="slow" @change=${choose}>
        ${choices.map((seconds) => html`<option value=${seconds} .selected=${live(seconds === now)}
          >${texts.slowness(seconds)}</option>`)}
      </select></label>`;
  }

  /** @param {string} title @param {Sanction[]} all @param {"unmute" | "unban"} action */
  function sanctions(title, all, action) {
    const row = (/** @type {Sanction} */ { username, until, by, address }) => html`<li>
      <span><bdi>${visible(username)}</bdi>
        <small>${texts.term(until ?? 0)}, ${texts.by(by)}${address ? `, ${texts.address}` : ""}</small></span>
      <button class="button" aria-label=${texts.liftOf(username)}
        @click=${() => void model.act(action, { username }, refused)}>${texts.lift}</button>
    </li>`;
    return html`<section aria-label=${title}><h3>${title}</h3>
      ${all.length === 0 ? html`<p class="hint">${texts.nobody}</p>` : nothing}
      <ul>${repeat(all.slice(0, MAX_ROWS), ({ username }) => username, row)}</ul></section>`;
  }

  /** @param {Deed} deed */
  function tell({ date, by, action, username = "", seconds = 0 }) {
    /** @type {Record<string, (name: string, seconds: number) => string>} */
    const deeds = texts.deeds;
    const tellDeed = deeds[action];
    return texts.deed(by, tellDeed ? tellDeed(username, seconds) : action, date);
  }
}
