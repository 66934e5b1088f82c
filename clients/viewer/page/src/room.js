// The project's chat: messages, members, what has not been read. No element.
import { ConnectionLost, RequestError } from "./connection.js";
import { Observable } from "./observable.js";

/** @typedef {import("./connection.js").Connection} Connection */
/** @typedef {import("./session.js").Session} Session */
/** What the room has said. `id` is null for an own message that the server has not shown us yet.
 * @typedef {{ id: number | null, username: string, message: string, date: number }} ChatMessage */
/** Why a message was not sent; `doubt`: perhaps it was. @typedef {{ kind: "slow", seconds: number }
 *   | { kind: "muted", until: number } | { kind: "long" } | { kind: "lost" } | { kind: "doubt" }
 *   | { kind: "refused", message: string }} Refusal */

/** How many messages the page keeps. */
const MAX_MESSAGES = 500;
/** How far back the page looks for the message that it has just sent. */
const LOOK_BACK = 20;

/** Two messages are the same if these are: after a restart of the server, numbers begin anew.
 * @param {ChatMessage} message */
const key = (message) => `${message.id} ${message.date} ${message.username}`;

/** The room of the project, heard as a member or, where that is allowed, as a listener. */
export class Room extends Observable {
  /** @type {ChatMessage[]} oldest first */
  messages = [];
  /** @type {string[]} names of those who may write, sorted */
  members = [];
  /** How many messages have come that nobody has looked at. */
  unread = 0;
  /** Whether the room is heard, now or since before the connection was lost. */
  heard = false;
  /** Whether a message is on its way. */
  sending = false;
  /** @type {Refusal | null} why the last message was not sent */
  refusal = null;
  /** When writing is allowed again after a 429, by `Date.now()`. */
  blockedUntil = 0;

  #connection;
  #session;
  #known = new Set();
  #looking = false;
  #viewers = 0;
  #asking = false;
  /**
   * The message whose answer a lost connection took along, and whether the room has been looked through for it.
   * @type {{ message: string, name: string | null, looked: boolean } | null}
   */
  #doubt = null;
  /** @type {(message: string) => void} */
  #arrived = () => {};

  /** @param {{ connection: Connection, session: Session }} parts */
  constructor({ connection, session }) {
    super();
    this.#connection = connection;
    this.#session = session;
    connection.on("chatMessage", ({ data }) => this.#add([data]));
    session.onReady(() => void this.#catchUp());
    session.subscribe(() => this.#sessionChanged());
  }

  /** Whether this viewer may write. */
  get mayWrite() {
    return this.#session.hears === "member";
  }

  /**
   * Calls `arrived` when it turns out that the room has a message after all.
   * @param {(message: string) => void} arrived
   */
  onArrived(arrived) {
    this.#arrived = arrived;
  }

  /** Says that the newest messages are on screen, or no longer. @param {boolean} looking */
  look(looking) {
    this.#looking = looking;
    if (!looking || this.unread === 0) return;
    this.unread = 0;
    this.changed();
  }

  /**
   * Sends a message. True once the room has it; false if it was refused, and `refusal` says why. One that perhaps was
   * sent is not sent again before that is known.
   * @param {string} message
   */
  async send(message) {
    if (this.sending || Date.now() < this.blockedUntil) return false;
    if (this.#doubt?.message === message && !this.#doubt.looked) return false;
    const isOpen = this.#connection.state === "open";
    this.sending = true;
    this.refusal = null;
    this.#doubt = null;
    this.changed();
    try {
      await this.#connection.request("chat", "message", { message });
      await this.#findOwn(message);
      return true;
    } catch (error) {
      if (error instanceof ConnectionLost && isOpen)
        this.#doubt = { message, name: this.#session.you.name, looked: false };
      this.#refuse(error);
      return false;
    } finally {
      this.sending = false;
      this.changed();
    }
  }

  /** Asks who is there; the view does, now and then, while somebody looks. */
  async refreshMembers() {
    if (this.#session.hears === null || this.#asking || this.#connection.state !== "open") return;
    this.#asking = true;
    try {
      const { data } = await this.#connection.request("chat", "members");
      if (data.join("\n") === this.members.join("\n")) return;
      this.members = data;
      this.changed();
    } catch {
      // The next question, or the next connection, will tell.
    } finally {
      this.#asking = false;
    }
  }

  /** A viewer may be a member, too. */
  #sessionChanged() {
    const { viewers } = this.#session;
    if (viewers !== this.#viewers) {
      this.#viewers = viewers;
      void this.refreshMembers();
    }
    this.changed();
  }

  /** Asks for what was said, on every connection that hears the room. */
  async #catchUp() {
    if (this.#session.hears === null) return;
    const isFirst = !this.heard;
    this.heard = true;
    try {
      const { data } = await this.#connection.request("chat", "history");
      this.#add(data, isFirst);
      if (this.#doubt) {
        this.#doubt.looked = true;
        this.refusal = { kind: "lost" };
      }
      this.changed();
      await this.refreshMembers();
    } catch (error) {
      // A lost connection: the next one asks again.
      if (this.#doubt && !(error instanceof ConnectionLost)) this.#doubt.looked = true;
    }
  }

  /** Ends the doubt about a message that the room has. @param {ChatMessage} message */
  #clear({ message, username }) {
    if (message !== this.#doubt?.message || username !== this.#doubt.name) return;
    this.#doubt = null;
    this.refusal = null;
    this.#arrived(message);
  }

  /**
   * Shows the own message with the number and date that the server has given it.
   * @param {string} message
   */
  async #findOwn(message) {
    const { name } = this.#session.you;
    try {
      const { data } = await this.#connection.request("chat", "history", { limit: LOOK_BACK });
      const own = data.findLast(
        (/** @type {ChatMessage} */ each) => each.username === name && each.message === message,
      );
      if (own && !this.#known.has(key(own))) return this.#add(data, true);
    } catch {
      // The message is sent, whatever has become of the question.
    }
    this.#add([{ id: null, username: name ?? "", message, date: Date.now() }], true);
  }

  /**
   * Takes up messages that are new, in the order of their dates.
   * @param {ChatMessage[]} messages
   * @param {boolean} [read] whether they count as read
   */
  #add(messages, read = false) {
    const fresh = messages.filter((message) => !this.#known.has(key(message)));
    if (fresh.length === 0) return;
    for (const message of fresh) this.#known.add(key(message));
    const all = [...this.messages, ...fresh];
    for (const message of fresh) this.#clear(message);
    for (const { id, username, message } of fresh) {
      // The own message that was shown before its number was known is this one.
      if (id === null) continue;
      const isShown = (/** @type {ChatMessage} */ each) =>
        each.id === null && each.username === username && each.message === message;
      const shown = all.findIndex(isShown);
      if (shown >= 0) this.#known.delete(key(all.splice(shown, 1)[0]));
    }
    all.sort((one, other) => one.date - other.date || (one.id ?? 0) - (other.id ?? 0));
    for (const dropped of all.slice(0, -MAX_MESSAGES)) this.#known.delete(key(dropped));
    this.messages = all.slice(-MAX_MESSAGES);
    const { name } = this.#session.you;
    if (!read && !this.#looking)
      this.unread += fresh.filter(({ username }) => username !== name).length;
    this.changed();
  }

  /** @param {unknown} error */
  #refuse(error) {
    if (!(error instanceof RequestError)) this.refusal = { kind: this.#doubt ? "doubt" : "lost" };
    else if (error.code === 429) {
      const seconds = error.answer.retryAfter ?? 1;
      this.refusal = { kind: "slow", seconds };
      this.blockedUntil = Date.now() + seconds * 1000;
      setTimeout(() => {
        if (this.refusal?.kind === "slow") this.refusal = null;
        this.changed();
      }, seconds * 1000);
    } else if (error.answer.until !== undefined)
      this.refusal = { kind: "muted", until: error.answer.until * 1000 };
    else if (error.code === 413) this.refusal = { kind: "long" };
    else this.refusal = { kind: "refused", message: error.message };
  }
}
