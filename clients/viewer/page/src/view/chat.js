// The chat: what was said, who is here, and the field to say something.
import { createRef, html, live, nothing, ref, repeat } from "../../vendor/lit-html.js";
import { pieces } from "../links.js";
import { visible } from "../names.js";
import { chat as texts } from "../panel-texts.js";
import { later } from "./later.js";
import { region } from "./region.js";

/** @typedef {import("../room.js").ChatMessage} ChatMessage */
/** @typedef {{ room: import("../room.js").Room, session: import("../session.js").Session,
 *   connection: import("../connection.js").Connection, workspace: import("../workspace.js").Workspace,
 *   notices: import("../notices.js").Notices }} Models */

/** This near to the end counts as at the end, in pixels. */
const NEAR = 24;
/** Messages of one person within this time are shown under one name. */
const TOGETHER_MS = 5 * 60_000;
const MEMBERS_MS = 10_000;
const MAX_NAMES = 200;

const time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" });

/**
 * Draws the chat.
 *
 * @param {HTMLElement} element
 * @param {Models} models
 */
export function mountChat(element, models) {
  const { room, session, workspace, notices } = models;
  /** @type {import("../../vendor/lit-html.js").Ref<HTMLElement>} */
  const log = createRef();
  /** @type {import("../../vendor/lit-html.js").Ref<HTMLTextAreaElement>} */
  const field = createRef();
  let atEnd = true;
  let draft = "";
  /** Who wrote `draft`. */
  let author = session.claimedName;
  /**
   * The first message that arrived while nobody looked, until they have looked away again.
   * @type {ChatMessage | null}
   */
  let firstNew = null;
  /**
   * The additional tools of moderators; other viewers' pages do not load them.
   * @type {import("./moderation.js").Tools | null}
   */
  let tools = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let tick;
  let wasBanned = false;

  const isShown = () => !document.hidden && (log.value?.getClientRects().length ?? 0) > 0;
  const toEnd = () => {
    const list = log.value;
    if (list) list.scrollTop = list.scrollHeight;
  };
  /**
   * After each render: scrolls to the newest message, unless the viewer has scrolled away from it.
   */
  const settle = () => {
    if (!isShown()) {
      room.look(false);
      return;
    }
    if (atEnd) {
      if (room.unread > 0)
        firstNew = nthForeignFromEnd(room.messages, room.unread, session.you.name);
      toEnd();
    }
    room.look(atEnd);
  };
  const scrolled = () => {
    const list = log.value;
    if (!list || !isShown()) return;
    atEnd = list.scrollHeight - list.scrollTop - list.clientHeight <= NEAR;
    if (atEnd && room.unread > 0) draw();
    room.look(atEnd);
  };

  const send = async () => {
    const message = draft.trim();
    if (message === "") return;
    if (await room.send(message, moderates()?.announces ? "announce" : "message")) sent(message);
    draw();
  };
  /** The room has received a message. @param {string} message */
  const sent = (message) => {
    if (draft.trim() === message) draft = "";
    atEnd = true;
    firstNew = null;
    if (tools) tools.announces = false;
  };
  room.onArrived(sent);
  /** @param {SubmitEvent} event */
  const submit = (event) => {
    event.preventDefault();
    void send();
  };
  /** @param {KeyboardEvent} event */
  const keyed = (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    void send();
  };

  /** Nobody else may see a half-written message; all guests' names belong to the same person. */
  const known = () => {
    const { claimedName } = session;
    if (claimedName === null || claimedName === author) return;
    if (!(author?.startsWith("~") && claimedName.startsWith("~"))) draft = "";
    author = claimedName;
  };
  session.subscribe(known);

  const moderates = () => (session.you.moderate ? tools : null);
  session.subscribe(() => {
    if (session.banned && !wasBanned) notices.say(banned(session.banned), { tone: "bad" });
    wasBanned = session.banned !== null;
  });
  room.onAnnounced = ({ username, message }) =>
    notices.say(texts.announced(username, message), {
      action: { label: texts.show, run: () => workspace.openPanel("chat") },
    });

  const message = (/** @type {ChatMessage} */ each, /** @type {number} */ at) => {
    const { username, date } = each;
    const before = room.messages[at - 1];
    const newDay = !before || day.format(before.date) !== day.format(date);
    const follows =
      !newDay &&
      !each.announcement &&
      !before.announcement &&
      each !== firstNew &&
      before.username === username &&
      date - before.date < TOGETHER_MS;
    const own = username === session.you.name;
    return html`
      ${newDay && day.format(date) !== day.format(Date.now())
        ? html`<li class="day">${day.format(date)}</li>`
        : nothing}
      ${each === firstNew ? html`<li class="new"><span>${texts.newMark}</span></li>` : nothing}
      <li class="message ${follows ? "follows" : each.announcement ? "announcement" : ""}">
        ${
          follows
            ? nothing
            : html`<p class="who">
              <bdi class="name">${visible(username)}</bdi>
              ${username === session.streamer ? html`<span class="badge">${texts.streamer}</span>` : nothing}
              ${each.announcement ? html`<span class="badge">${texts.announcement}</span>` : nothing}
              ${own ? html`<span class="own">${texts.you}</span>` : nothing}
              <time datetime=${new Date(date).toISOString()} title=${moment.format(date)}
                >${time.format(date)}</time>
            </p>`
        }
        <p class="words">${pieces(each.message).map(({ text, href }) =>
          href
            ? html`<a href=${href} target="_blank" rel="noopener noreferrer nofollow ugc">${text}</a>`
            : text,
        )}</p>
        ${moderates()?.more(each) ?? nothing}
      </li>`;
  };

  const slowMode = () => {
    if (session.slow === 0 || session.you.moderate) return nothing;
    const left = Math.ceil((room.blockedUntil - Date.now()) / 1000);
    clearTimeout(tick);
    if (left > 0) tick = setTimeout(draw, 1000);
    return html`<p class="hint">${texts.slowMode(session.slow, left)}</p>`;
  };

  const composer = () => html`
    <form class="composer" @submit=${submit}>
      ${session.banned ? html`<p class="hint">${banned(session.banned)}</p>`
        : refusal(room) ? html`<p class="problem" role="alert">${refusal(room)}</p>` : nothing}
      ${slowMode()}
      <div class="row">
        <textarea class="field" name="message" rows="1" aria-label=${texts.field}
          placeholder=${texts.placeholder}
          .value=${live(draft)} @input=${(/** @type {any} */ event) => (draft = event.target.value)}
          @keydown=${keyed} ${ref(field)}></textarea>
        <button class="button primary" ?disabled=${room.sending || session.banned !== null}
          >${texts.send}</button>
      </div>
      ${moderates()?.announce() ?? nothing}
    </form>`;

  const foot = () => {
    if (room.mayWrite || draft !== "") return composer();
    if (session.phase !== "ready") return nothing;
    if (session.mayJoin) {
      return html`<div class="join-in"><p class="hint">${texts.guest}</p>
        <button class="button" @click=${() => workspace.set({ dialog: "entry" })}
          >${texts.join}</button></div>`;
    }
    if (session.banned) return html`<p class="hint">${banned(session.banned)}</p>`;
    return html`<p class="hint">${room.heard ? texts.askForLink(session.streamer) : texts.closed}</p>`;
  };

  const template = () => {
    queueMicrotask(settle);
    const unseen = !atEnd && room.unread > 0;
    return html`
      <div class="chat-head">
        <h2 class="visually-hidden">${texts.title}</h2>
        ${moderates()?.head() ?? nothing}
        ${
          room.members.length > 0
            ? html`<details class="members">
              <summary>${texts.here(room.members.length)}</summary>
              <ul aria-label=${texts.members}>
                ${room.members.slice(0, MAX_NAMES).map(
                  (name) => html`<li>
                  <bdi>${visible(name)}</bdi>
                  ${name === session.streamer ? html`<span class="badge">${texts.streamer}</span>` : nothing}
                </li>`,
                )}
              </ul>
            </details>`
            : nothing
        }
      </div>
      <div class="log" tabindex="0" role="log" aria-label=${texts.log} @scroll=${scrolled} ${ref(log)}>
        ${room.messages.length === 0 && room.heard ? html`<p class="empty">${texts.empty}</p>` : nothing}
        <ol>${repeat(room.messages, (each) => `${each.id} ${each.date} ${each.username}`, message)}</ol>
      </div>
      ${
        unseen
          ? html`<button class="button to-end" @click=${() => {
              atEnd = true;
              draw();
            }}>${texts.newMessages(room.unread)}</button>`
          : nothing
      }
      ${foot()}`;
  };
  const draw = region(element, template, room, session, workspace);
  later(() => session.you.moderate, () => import("./moderation.js"), ({ mountModeration }) => {
    tools = mountModeration(models, draw);
    draw();
  }, session);

  document.addEventListener("visibilitychange", settle);
  setInterval(() => void (document.hidden || room.refreshMembers()), MEMBERS_MS);
  return { focus: () => field.value?.focus() };
}

/** @param {ChatMessage[]} messages @param {number} count @param {string | null} own */
function nthForeignFromEnd(messages, count, own) {
  let left = count;
  for (let at = messages.length - 1; at >= 0; at--) {
    if (messages[at].username !== own && --left === 0) return messages[at];
  }
  return null;
}

/** @param {{ until?: number }} ban */
const banned = ({ until = 0 }) => texts.banned(until);

/** @param {import("../room.js").Room} room */
function refusal({ refusal: why }) {
  switch (why?.kind) {
    case undefined:
      return "";
    case "slow":
      return texts.slow(why.seconds);
    case "muted":
      return texts.muted(why.until);
    case "lifted":
      return texts.lifted;
    case "long":
      return texts.long;
    case "lost":
      return texts.lost;
    case "doubt":
      return texts.doubt;
    case "refused":
      return texts.refused(why.message);
  }
}
