// What moderators can do, and what is in force. Only their pages load it. Touches no element.
import { ConnectionLost } from "./connection.js";
import { Observable } from "./observable.js";

/** `until` in seconds since the epoch, `date` in ms.
 * @typedef {{ username: string, until?: number, by: string, date: number, address?: boolean }} Sanction */
/** @typedef {{ date: number, by: string, action: string, username?: string, seconds?: number,
 *   id?: number }} Deed */
/** @typedef {{ muted: Sanction[], banned: Sanction[], slow: number, log: Deed[] }} InForce */
/** @typedef {"mute" | "unmute" | "ban" | "unban" | "delete" | "slow"} Action */

/** The state of moderation in a project, requested while somebody looks at it. */
export class Moderation extends Observable {
  /** @type {InForce | null} null before it is known */
  inForce = null;

  #connection;
  #isLookedAt = false;
  #isAsking = false;
  #isOld = false;

  /** @param {import("./connection.js").Connection} connection */
  constructor(connection) {
    super();
    this.#connection = connection;
    for (const type of ["chatModerated", "chatSlowed", "chatDeleted"]) {
      connection.on(type, () => this.#heard());
    }
  }

  /** Notes whether somebody looks at what is in force. @param {boolean} isLookedAt */
  look(isLookedAt) {
    this.#isLookedAt = isLookedAt;
    this.#heard();
  }

  /**
   * Does something. Returns null if it was refused; `refused` gets the reason, or "" if the
   * connection was lost.
   * @param {Action} action
   * @param {object} data
   * @param {(message: string) => void} refused
   * @returns {Promise<any>}
   */
  async act(action, data, refused) {
    try {
      const answer = await this.#connection.request("chat", action, data);
      this.#heard();
      return answer.data;
    } catch (error) {
      refused(error instanceof ConnectionLost || !(error instanceof Error) ? "" : error.message);
      this.changed();
      return null;
    }
  }

  #heard() {
    if (this.#isLookedAt) void this.#refresh();
  }

  /** Asks for the newest state, one question at a time. */
  async #refresh() {
    this.#isOld = true;
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      while (this.#isOld) {
        this.#isOld = false;
        const { data } = await this.#connection.request("chat", "moderation");
        this.inForce = data;
        this.changed();
      }
    } catch {
      // We no longer moderate, or the connection was lost. The next event asks again.
    } finally {
      this.#isAsking = false;
    }
  }
}
