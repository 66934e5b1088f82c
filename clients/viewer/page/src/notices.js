// Short sentences about what has just happened, shown for a while and read out by screen readers.
import { Observable } from "./observable.js";

/** @typedef {{ label: string, run: () => void }} NoticeAction */
/** @typedef {{ id: number, text: string, tone: "plain" | "good" | "bad", action?: NoticeAction }} Notice */

const MAX_NOTICES = 3;
const SHOWN_MS = 7000;

/** The notices on screen, oldest first; at most three. */
export class Notices extends Observable {
  /** @type {Notice[]} */
  shown = [];
  #next = 1;

  /**
   * Shows a sentence; one with an action stays twice as long.
   * @param {string} text
   * @param {{ tone?: Notice["tone"], action?: NoticeAction }} [options]
   */
  say(text, options = {}) {
    const notice = { id: this.#next++, text, tone: options.tone ?? "plain", action: options.action };
    this.shown = [...this.shown.filter((other) => other.text !== text), notice].slice(-MAX_NOTICES);
    setTimeout(() => this.dismiss(notice.id), SHOWN_MS * (notice.action ? 2 : 1));
    this.changed();
  }

  /** @param {number} id */
  dismiss(id) {
    const left = this.shown.filter((notice) => notice.id !== id);
    if (left.length === this.shown.length) return;
    this.shown = left;
    this.changed();
  }
}
