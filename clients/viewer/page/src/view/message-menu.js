// The menu of a chat message, for moderators: one button for each message, and one Tab stop for all
// of them.
import { html, nothing, svg } from "../../vendor/lit-html.js";
import { moderation as texts } from "../moderation-texts.js";
import { icon } from "./icons.js";
import { region } from "./region.js";
import { byId } from "./shell.js";

/** @typedef {import("../room.js").ChatMessage} ChatMessage */
/**
 * @typedef {{ label: string, run: () => void, isGrave?: boolean, isFirst?: boolean, stays?: boolean }} Item
 */
/** @typedef {{ remove: (id: number) => void, mute: (name: string, seconds: number) => void,
 *   ban: (name: string, seconds: number) => void }} Actions */

const moreIcon = icon(svg`<path d="M3.5 8h.01M8 8h.01M12.5 8h.01" stroke-width="2.2"/>`);
const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** The least distance of the menu from the window's edge, in pixels. */
const EDGE = 8;

/**
 * @param {{ room: import("../room.js").Room, session: import("../session.js").Session }} models
 * @param {Actions} actions
 * @param {() => void} draw asks for another render of the chat
 */
export function mountMenu({ room, session }, actions, draw) {
  /** The message whose menu is open. @type {ChatMessage | null} */
  let opened = null;
  /** Whether the menu asks for confirmation of a deletion. */
  let isAsking = false;
  /** The message whose button is the Tab stop. @type {ChatMessage | null} */
  let current = null;
  /** @type {HTMLElement | null} */
  let opener = null;
  /** @type {{ of: ChatMessage[] | null, last: ChatMessage | undefined }} */
  let reached = { of: null, last: undefined };

  const menu = document.createElement("div");
  menu.id = "message-menu";
  menu.popover = "auto";
  menu.setAttribute("role", "menu");
  byId("panel").append(menu);
  const redraw = region(menu, template);
  menu.addEventListener("keydown", onKey);
  menu.addEventListener("toggle", () => {
    if (menu.matches(":popover-open")) return;
    opened = null;
    draw();
  });

  /** @param {ChatMessage} message */
  const isThere = ({ id, past }) => id !== null && !past;
  /** @param {ChatMessage} message */
  const isOthers = ({ username }) => username !== session.you.name && username !== session.streamer;

  /** @returns {Item[]} */
  function items() {
    if (!opened) return [];
    const { id, username } = opened;
    if (isAsking) {
      return [
        { label: texts.keep, run: () => {} },
        { label: texts.removeNow, isGrave: true, run: () => remove(Number(id)) },
      ];
    }
    /** @type {Item[]} */
    const all = [];
    if (isThere(opened)) all.push({ label: texts.remove, isGrave: true, stays: true, run: ask });
    if (isOthers(opened)) {
      for (const seconds of [10 * MINUTE, HOUR, DAY]) {
        const run = () => actions.mute(username, seconds);
        all.push({ label: texts.mute(username, seconds), isFirst: seconds === 10 * MINUTE, run });
      }
      for (const seconds of [DAY, 0]) {
        const run = () => actions.ban(username, seconds);
        all.push({ label: texts.ban(username, seconds), isFirst: seconds === DAY, isGrave: true, run });
      }
    }
    return all;
  }

  function template() {
    return items().map((item) => html`<button role="menuitem" tabindex="-1"
      class="${item.isGrave ? "grave" : ""} ${item.isFirst ? "first" : ""}" @click=${() => choose(item)}
      >${item.label}</button>`);
  }

  /** @param {Item} item */
  function choose(item) {
    if (!item.stays) menu.hidePopover();
    item.run();
  }

  function ask() {
    isAsking = true;
    menu.setAttribute("aria-label", texts.removeSure);
    redraw.now();
    shown()[0]?.focus();
  }

  /**
   * The button disappears with its message, so the focus moves to the next one.
   * @param {number} id
   */
  function remove(id) {
    const all = buttons();
    const at = all.findIndex((each) => each === opener);
    const next = all[at + 1] ?? all[at - 1] ?? opener?.closest("[role=log]");
    /** @type {HTMLElement | undefined} */ (next)?.focus();
    actions.remove(id);
  }

  const shown = () => /** @type {HTMLElement[]} */ ([...menu.querySelectorAll("[role=menuitem]")]);
  const buttons = () => /** @type {HTMLElement[]} */ ([...document.querySelectorAll("#chat .more")]);

  /** @param {MouseEvent} event @param {ChatMessage} message */
  function open(event, message) {
    opener = /** @type {HTMLElement} */ (event.currentTarget);
    opener.focus();
    opened = message;
    isAsking = false;
    menu.setAttribute("aria-label", texts.more(message.username));
    redraw.now();
    menu.showPopover();
    place(opener.getBoundingClientRect());
    shown()[0]?.focus();
    draw();
  }

  /**
   * Below the button, or above it if there is no room; on a phone the menu is at the bottom.
   * @param {DOMRect} at
   */
  function place(at) {
    const { width, height } = menu.getBoundingClientRect();
    const isBelow = at.bottom + height + EDGE < innerHeight;
    menu.style.left = `${Math.max(EDGE, at.right - width)}px`;
    menu.style.top = `${Math.max(EDGE, isBelow ? at.bottom : at.top - height)}px`;
  }

  /**
   * The target of an arrow key in a list.
   * @param {string} key
   * @param {HTMLElement[]} all
   * @param {number} at
   */
  function target(key, all, at) {
    switch (key) {
      case "ArrowDown": return all[at + 1];
      case "ArrowUp": return all[at - 1];
      case "Home": return all[0];
      case "End": return all.at(-1);
      default: return undefined;
    }
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    // The page's own keys must not act while the menu is open.
    event.stopPropagation();
    const all = shown();
    const at = all.findIndex((each) => each === document.activeElement);
    if (event.key === "Escape" || event.key === "Tab") {
      menu.hidePopover();
      if (event.key === "Escape") event.preventDefault();
      return;
    }
    const isRound = event.key === "ArrowDown" ? all[0] : event.key === "ArrowUp" ? all.at(-1) : undefined;
    const next = target(event.key, all, at) ?? isRound;
    if (!next) return;
    event.preventDefault();
    next.focus();
  }

  /** @param {KeyboardEvent} event */
  function onButtonKey(event) {
    const all = buttons();
    const next = target(event.key, all, all.findIndex((each) => each === event.currentTarget));
    if (!next) return;
    event.preventDefault();
    next.focus();
  }

  /** @param {ChatMessage} message */
  const hasMenu = (message) => isThere(message) || isOthers(message);

  /** The message whose button is the Tab stop: the last one used, or the newest. */
  function tabStop() {
    if (reached.of !== room.messages) {
      const isGone = !current || !room.messages.includes(current);
      reached = { of: room.messages, last: room.messages.findLast(hasMenu) };
      if (isGone) current = null;
    }
    return current ?? reached.last;
  }

  return {
    /** The button of a message's menu. @param {ChatMessage} message */
    button(message) {
      if (!hasMenu(message)) return nothing;
      const label = texts.more(message.username);
      const take = () => {
        if (current === message) return;
        current = message;
        draw();
      };
      return html`<button class="icon-button more" aria-haspopup="menu"
        aria-expanded=${String(opened === message)}
        aria-label=${label} aria-live="off" title=${label} tabindex=${tabStop() === message ? 0 : -1}
        @click=${(/** @type {MouseEvent} */ event) => open(event, message)} @focus=${take}
        @keydown=${onButtonKey}>${moreIcon}</button>`;
    },
  };
}
