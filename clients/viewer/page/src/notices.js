// Short sentences about what has just happened, shown for a while and read out by screen readers.
import { Observable } from "./observable.js";

/** @typedef {{ label: string, run: () => void }} NoticeAction */
/** @typedef {{ id: number, text: string, tone: "plain" | "good" | "bad", action?: NoticeAction }} Notice */

const MAX_NOTICES = 3;
const SHOWN_MS = 7000;

/**
 * The notices on screen, oldest first: at most three. Those without an action are dropped first.
 */
export class Notices extends Observable {
  /** @type {Notice[]} */
  shown = [];
  #next = 1;

  /**
   * Shows a sentence; if it is already shown, it is not shown twice. A notice with an action stays
   * twice as long, and is shown next to others with the same text.
   * @param {string} text
   * @param {{ tone?: Notice["tone"], action?: NoticeAction }} [options]
   */
  say(text, options = {}) {
    const notice = { id: this.#next++, text, tone: options.tone ?? "plain", action: options.action };
    const others = this.shown.filter((other) => other.action || other.text !== text);
    while (others.length >= MAX_NOTICES) {
      const plain = others.findIndex(({ action }) => !action);
      others.splice(Math.max(0, plain), 1);
    }
    this.shown = [...others, notice];
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
