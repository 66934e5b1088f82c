// The project's chat: messages, members, and what has not been read. Touches no element.
import { ConnectionLost, RequestError } from "./connection.js";
import { Expiry } from "./expiry.js";
import { Observable } from "./observable.js";

/** @typedef {import("./connection.js").Connection} Connection */
/** @typedef {import("./session.js").Session} Session */
/** A message of the room. `id` is null for our own message until the server has shown it. It has no
 * meaning if the message is `past`: then the room had forgotten it when we connected.
 * @typedef {{ id: number | null, username: string, message: string, date: number, announcement?: true,
 *   past?: boolean }} ChatMessage */
/**
 * Why a message was not sent. `doubt`: perhaps it was; `lifted`: nothing prevents it any more.
 * @typedef {{ kind: "slow", seconds: number } | { kind: "muted", until: number } | { kind: "lifted" }
 *   | { kind: "long" } | { kind: "lost" } | { kind: "doubt" }
 *   | { kind: "refused", message: string }} Refusal */

/** How many messages the page keeps. */
const MAX_MESSAGES = 500;
/** How far back the page looks for the message that it has just sent. */
const LOOK_BACK = 20;

/**
 * Messages with the same key are the same: after a restart of the server, numbers start again.
 * @param {ChatMessage} message */
const key = (message) => `${message.id} ${message.date} ${message.username}`;

/** The room of the project, joined as a member or, if that is allowed, as a listener. */
export class Room extends Observable {
  /** @type {ChatMessage[]} oldest first */
  messages = [];
  /** @type {string[]} names of those who may write, sorted */
  members = [];
  /** How many messages have arrived that nobody has looked at. */
  unread = 0;
  /** Whether the room is received, now or until the connection was lost. */
  heard = false;
  /** Whether a message is being sent. */
  sending = false;
  /** @type {Refusal | null} why the last message was not sent */
  refusal = null;
  /** When writing is allowed again after a 429 or in slow mode, as in `Date.now()`. */
  blockedUntil = 0;

  #connection;
  #session;
  #known = new Set();
  #looking = false;
  #viewers = 0;
  #asking = false;
  #wasBanned = false;
  /** The user that `refusal` concerns. @type {string | null} */
  #name = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #waiting;
  /** The end of a mute. */
  #release = new Expiry(async () => this.#refused({ kind: "lifted" }));
  /**
   * The message whose answer was lost with a connection, and whether the room's history has been
   * searched for it.
   * @type {{ message: string, name: string | null, looked: boolean } | null}
   */
  #doubt = null;
  /** @type {(message: string) => void} */
  #arrived = () => {};
  /**
   * Called with an announcement that nobody is looking at.
   * @type {(message: ChatMessage) => void}
   */
  onAnnounced = () => {};

  /** @param {{ connection: Connection, session: Session }} parts */
  constructor({ connection, session }) {
    super();
    this.#connection = connection;
    this.#session = session;
    connection.on("chatMessage", ({ data }) => this.#add([data]));
    connection.on("chatDeleted", ({ data }) => this.#remove(data.id));
    connection.on("chatSlowed", () => this.#wait(0));
    connection.on("chatModerated", ({ data: { username, action, until } }) => {
      if (username !== session.you.name || action === "ban") return;
      if (action === "mute") this.#mute(until);
      else this.#refused({ kind: "lifted" });
    });
    session.onReady(() => void this.#catchUp());
    session.subscribe(() => this.#sessionChanged());
  }

  /** Whether this viewer may write. */
  get mayWrite() {
    return this.#session.hears === "member";
  }

  /**
   * Calls `arrived` if it turns out that the room does have a message.
   * @param {(message: string) => void} arrived
   */
  onArrived(arrived) {
    this.#arrived = arrived;
  }

  /** Notes whether the newest messages are on screen. @param {boolean} looking */
  look(looking) {
    this.#looking = looking;
    if (!looking || this.unread === 0) return;
    this.unread = 0;
    this.changed();
  }

  /**
   * Sends a message. Returns true once the room has it; false if it was refused, and `refusal` says
   * why. A message that may have been sent is not sent again before that is known.
   * @param {string} message
   * @param {"message" | "announce"} [subtype]
   */
  async send(message, subtype = "message") {
    if (this.sending || this.#session.banned) return false;
    const seconds = Math.ceil((this.blockedUntil - Date.now()) / 1000);
    if (seconds > 0 && subtype === "message") {
      this.#refused({ kind: "slow", seconds });
      return false;
    }
    if (this.#doubt?.message === message && !this.#doubt.looked) return false;
    const isOpen = this.#connection.state === "open";
    this.sending = true;
    this.refusal = null;
    this.#doubt = null;
    this.changed();
    try {
      await this.#connection.request("chat", subtype, { message });
      const { slow, you } = this.#session;
      if (slow > 0 && !you.moderate) this.#wait(slow);
      if (subtype === "message") await this.#findOwn(message);
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

  /** Asks who is there. The view calls this from time to time while somebody looks. */
  async refreshMembers() {
    if (this.#session.hears === null || this.#asking || this.#connection.state !== "open") return;
    this.#asking = true;
    try {
      const { data } = await this.#connection.request("chat", "members");
      if (data.join("\n") === this.members.join("\n")) return;
      this.members = data;
      this.changed();
    } catch {
      // The next request, or the next connection, will tell.
    } finally {
      this.#asking = false;
    }
  }

  /** The viewer may have become a member. */
  #sessionChanged() {
    const { viewers, banned, you } = this.#session;
    if (you.name !== this.#name) {
      this.#name = you.name;
      this.#release.until();
      if (this.refusal?.kind === "muted") this.refusal = null;
    }
    if (banned) this.members = [];
    else if (this.#wasBanned && this.mayWrite) this.refusal = { kind: "lifted" };
    this.#wasBanned = banned !== null || (this.#wasBanned && !this.mayWrite);
    if (viewers !== this.#viewers) {
      this.#viewers = viewers;
      void this.refreshMembers();
    }
    this.changed();
  }

  /** Asks for the history on every connection that receives the room. */
  async #catchUp() {
    if (this.#session.hears === null) return;
    const isFirst = !this.heard;
    const before = this.messages;
    this.heard = true;
    // A restarted server may have forgotten the wait; one that was not restarted says so itself.
    this.#wait(0);
    try {
      const { data } = await this.#connection.request("chat", "history");
      this.#compare(before, data);
      this.#add(data, isFirst);
      if (this.#doubt) {
        this.#doubt.looked = true;
        this.refusal = { kind: "lost" };
      }
      this.changed();
      await this.refreshMembers();
    } catch (error) {
      // If the connection was lost, the next one asks again.
      if (this.#doubt && !(error instanceof ConnectionLost)) this.#doubt.looked = true;
    }
  }

  /**
   * Drops messages that were deleted while we were not connected: they are missing in the history,
   * although it contains older ones.
   * @param {ChatMessage[]} before what was here when the room was asked
   * @param {ChatMessage[]} told
   */
  #compare(before, told) {
    const kept = new Set(told.map(key));
    const oldest = told[0]?.date ?? Infinity;
    for (const each of before) each.past = !kept.has(key(each));
    this.#keep(({ past, id, date }) => !past || id === null || date < oldest);
  }

  /** @param {number} id of a message that was deleted */
  #remove(id) {
    const deleted = this.messages.findLast((each) => each.id === id && !each.past);
    this.#keep((each) => each !== deleted);
  }

  /** @param {(message: ChatMessage) => unknown} isKept */
  #keep(isKept) {
    const { name } = this.#session.you;
    const foreign = this.messages.filter(({ username }) => username !== name);
    const unread = this.unread > 0 ? foreign.slice(-this.unread) : [];
    this.unread = unread.filter(isKept).length;
    this.messages = this.messages.filter(isKept);
    this.#known = new Set(this.messages.map(key));
    this.changed();
  }

  /** Ends the doubt about a message if this is it. @param {ChatMessage} message */
  #clear({ message, username }) {
    if (message !== this.#doubt?.message || username !== this.#doubt.name) return;
    this.#doubt = null;
    this.refusal = null;
    this.#arrived(message);
  }

  /**
   * Shows our own message with the number and date that the server gave it.
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
      // The message has been sent, whether or not this request succeeds.
    }
    this.#add([{ id: null, username: name ?? "", message, date: Date.now() }], true);
  }

  /**
   * Adds messages that are new, ordered by date.
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
      // This is our own message, which was shown before its number was known.
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
    if (!read && !this.#looking) {
      const foreign = fresh.filter(({ username }) => username !== name);
      this.unread += foreign.length;
      for (const each of foreign) if (each.announcement) this.onAnnounced(each);
    }
    this.changed();
  }

  /** @param {Refusal} refusal */
  #refused(refusal) {
    this.refusal = refusal;
    this.changed();
  }

  /** @param {number} until in seconds since the epoch */
  #mute(until) {
    this.#release.until(until);
    this.#refused({ kind: "muted", until: until * 1000 });
  }

  /** Blocks writing for so long. @param {number} seconds */
  #wait(seconds) {
    this.blockedUntil = Date.now() + seconds * 1000;
    clearTimeout(this.#waiting);
    this.#waiting = setTimeout(() => {
      if (this.refusal?.kind === "slow") this.refusal = null;
      this.changed();
    }, seconds * 1000);
  }

  /** @param {unknown} error */
  #refuse(error) {
    if (!(error instanceof RequestError)) this.refusal = { kind: this.#doubt ? "doubt" : "lost" };
    else if (error.code === 429) {
      const seconds = error.answer.retryAfter ?? 1;
      this.refusal = { kind: "slow", seconds };
      this.#wait(seconds);
    } else if (error.answer.until !== undefined && !error.answer.banned) this.#mute(error.answer.until);
    else if (error.code === 413) this.refusal = { kind: "long" };
    else this.refusal = { kind: "refused", message: error.message };
  }
}
