// This viewer's edits, until they are sent as a proposal. Touches no element.
import { RequestError } from "./connection.js";
import { bytesOf, isChange, normalised } from "./draft.js";
import { encodeBase64 } from "./encoding.js";
import { Observable } from "./observable.js";
import { authorOf, GUESTS } from "./token.js";

/** @typedef {import("./connection.js").Connection} Connection */
/** @typedef {import("./session.js").Session} Session */
/** @typedef {import("./draft.js").Draft} Draft */
/** @typedef {import("./sent.js").SentProposals} SentProposals */
/** @typedef {import("./sent.js").Sending} Sending */
/** @typedef {import("./keeper.js").Keeper} Keeper */
/**
 * @typedef {{ kind: "lost" } | { kind: "long" } | { kind: "refused", message: string }} SendError
 */
/** @typedef {{ done: number, total: number }} Progress in bytes */

/**
 * The longest text that can be edited here, and the limit for all edits together, in UTF-16 units.
 */
export const MAX_TEXT = 1024 * 1024;
const MAX_TEXTS = 4 * MAX_TEXT;
const MAX_DRAFTS = 500;
/** Bytes in a part; a multiple of 3. */
const PART = 96 * 1024;
const SAVE_AFTER_MS = 400;

/**
 * The edits of this viewer, and how they are sent. Other people who use the tab neither see nor
 * send them.
 */
export class Proposal extends Observable {
  /**
   * The edits' author, where all guests count as one. It stays while the tab has no name.
   * @type {string | null}
   */
  owner = null;
  /** How many of a guest's changes wait until the tab has a guest's name again. */
  waiting = 0;
  /** @type {Map<string, Draft>} by name, in the order in which they began */
  drafts = new Map();
  title = "";
  description = "";
  /** @type {Progress | null} while edits are being sent */
  progress = null;
  /** @type {SendError | null} */
  error = null;
  /** False if the edits will not survive a reload: too long, or the browser stores nothing. */
  kept = true;

  #connection;
  #session;
  #sent;
  #keeper;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #saving;

  /**
   * @param {{ connection: Connection, session: Session, sent: SentProposals, keeper: Keeper }}
   * parts
   */
  constructor({ connection, session, sent, keeper }) {
    super();
    this.#connection = connection;
    this.#session = session;
    this.#sent = sent;
    this.#keeper = keeper;
    this.#heedGuests();
    this.#turnTo(session.claimedName);
    sent.onArrived((sending) => this.#clear(sending));
    session.subscribe(() => {
      this.#turnTo(session.claimedName);
      this.changed();
    });
  }

  /** Whether this viewer may propose now. */
  get mayPropose() {
    const { propose, stream, name } = this.#session.you;
    return propose && !stream && authorOf(name) === this.owner;
  }

  /** The edits that change something. */
  get changes() {
    return [...this.drafts.values()].filter(isChange);
  }

  /**
   * The text of a file while it is being edited.
   * @param {string} name
   * @returns {string | undefined}
   */
  textOf(name) {
    return this.drafts.get(name)?.after ?? undefined;
  }

  /**
   * Starts to edit a file. Returns false if its text is too long.
   *
   * @param {string} name
   * @param {{ text: string, sha256: string }} base
   */
  begin(name, { text, sha256 }) {
    if (this.textOf(name) !== undefined) return true;
    return this.#put({ name, base: sha256, before: text, after: normalised(text) });
  }

  /**
   * Keeps the new text of a file. Returns false if it is too long.
   * @param {string} name
   * @param {string} text
   */
  write(name, text) {
    const draft = this.drafts.get(name);
    const after = normalised(text);
    if (!draft || draft.after === null || draft.after === after) return true;
    const fits = this.#put({ ...draft, after });
    const wasLong = this.error?.kind === "long";
    if (fits === wasLong) {
      this.error = fits ? null : { kind: "long" };
      this.changed();
    }
    return fits;
  }

  /** Adds a new file. @param {string} name @param {string} [text] */
  add(name, text = "") {
    const gone = this.drafts.get(name);
    if (gone?.base) return this.#put({ ...gone, after: normalised(text) });
    return this.#put({ name, base: null, before: null, after: normalised(text) });
  }

  /**
   * Proposes to delete a file; a file that was only added here is forgotten.
   *
   * @param {string} name
   * @param {{ text: string | null, sha256: string } | null} base what the project has, if it has the file
   * @returns {Draft[] | null} what `restore` takes to undo this; null if that is too long
   */
  remove(name, base) {
    const draft = this.drafts.get(name);
    if (!draft?.base && !base) return this.discard(name);
    const going = draft?.base ? draft : { name, base: base?.sha256 ?? null, before: base?.text ?? null };
    if (!this.#put({ ...going, after: null })) return null;
    return draft ? [draft] : [];
  }

  /**
   * Gives a file another name.
   *
   * @param {string} name
   * @param {string} to
   * @param {{ text: string, sha256: string } | null} base
   */
  rename(name, to, base) {
    const draft = this.drafts.get(name);
    const text = draft?.after ?? base?.text;
    if (text === undefined || text === null) return false;
    const before = draft?.before ?? base?.text ?? null;
    // A file that was added here, or already renamed, leaves no deletion under its last name.
    const isOwn = draft !== undefined && draft.base === null;
    const from = isOwn ? draft.from : name;
    if (
      !this.#put({
        name: to,
        base: null,
        before,
        after: normalised(text),
        ...(from ? { from } : {}),
      })
    )
      return false;
    if (!isOwn) return this.remove(name, base) !== null;
    this.drafts.delete(name);
    this.#changedByHand();
    return true;
  }

  /**
   * Forgets the edit of a file, and for a renamed file also the deletion of the old one.
   * @param {string} name
   * @returns {Draft[]} what `restore` takes to undo this
   */
  discard(name) {
    const draft = this.drafts.get(name);
    if (!draft) return [];
    const old = draft.from ? this.drafts.get(draft.from) : undefined;
    const removed = old?.after === null ? [old, draft] : [draft];
    for (const each of removed) this.drafts.delete(each.name);
    this.#changedByHand();
    return removed;
  }

  /**
   * Restores what was discarded or deleted; a file that has been edited since stays as it is.
   * Returns false if that is too long.
   * @param {Draft[]} removed
   */
  restore(removed) {
    return removed.every((draft) => this.textOf(draft.name) !== undefined || this.#put(draft));
  }

  /** @param {{ title?: string, description?: string }} words */
  describe(words) {
    Object.assign(this, words);
    this.#changedByHand();
  }

  /** Sends the edits as one proposal. What is typed in the meantime remains an edit. */
  async send() {
    const drafts = this.changes;
    if (!this.mayPropose || this.progress || drafts.length === 0 || this.title.trim() === "") return;
    const words = { title: this.title.trim(), description: this.description.trim() };
    const contents = drafts.map((draft) => (draft.after === null ? null : bytesOf(draft)));
    this.error = null;
    this.progress = {
      done: 0,
      total: contents.reduce((sum, bytes) => sum + (bytes?.length ?? 0), 0),
    };
    this.changed();
    let finishing = false;
    try {
      await this.#connection.request("pullrequest", "creation", words);
      for (const [at, draft] of drafts.entries()) await this.#post(draft, contents[at]);
      finishing = true;
      await this.#connection.request("pullrequest", "finish");
      this.#clear({ ...words, drafts });
      finishing = false;
      await this.#sent.add({ ...words, drafts }).catch(() => {});
    } catch (error) {
      this.error =
        error instanceof RequestError
          ? { kind: "refused", message: error.message }
          : { kind: "lost" };
      if (finishing && this.error.kind === "lost") this.#sent.doubt({ ...words, drafts });
    } finally {
      this.progress = null;
      this.changed();
    }
  }

  /** Saves the edits now, because the page may be closed. */
  save() {
    clearTimeout(this.#saving);
    this.#saving = undefined;
    const { title, description } = this;
    let kept = true;
    if (this.drafts.size === 0 && !title && !description) this.#keeper.removeItem(this.#keyOf(this.owner));
    else {
      const value = JSON.stringify({ title, description, drafts: [...this.drafts.values()] });
      kept = this.#keeper.setItem(this.#keyOf(this.owner), value);
    }
    if (kept === this.kept) return;
    this.kept = kept;
    this.changed();
  }

  /** Saves the present author's edits, and switches to another's. @param {string | null} name */
  #turnTo(name) {
    const author = authorOf(name);
    if (author === null || author === this.owner) return;
    if (this.owner !== null) this.save();
    this.owner = author;
    this.error = null;
    Object.assign(this, this.#keptOf(author));
    this.#heedGuests();
  }

  #heedGuests() {
    const drafts = this.owner === GUESTS ? [] : this.#keptOf(GUESTS).drafts.values();
    this.waiting = [...drafts].filter(isChange).length;
  }

  /** @param {string | null} author */
  #keyOf(author) {
    return `drafts:${this.#session.streamer}/${this.#session.project}:${author}`;
  }

  /** @param {Draft} draft */
  #put(draft) {
    const others = [...this.drafts.values()].filter(({ name }) => name !== draft.name);
    const length = (/** @type {Draft} */ { before, after }) =>
      (before?.length ?? 0) + (after?.length ?? 0);
    const sum = others.reduce((total, each) => total + length(each), length(draft));
    if ((draft.after?.length ?? 0) > MAX_TEXT || sum > MAX_TEXTS || others.length >= MAX_DRAFTS)
      return false;
    // Without an author, nobody would find it again.
    if (this.owner === null) return false;
    this.drafts.set(draft.name, draft);
    this.#changedByHand();
    return true;
  }

  #changedByHand() {
    this.#saving ??= setTimeout(() => this.save(), SAVE_AFTER_MS);
    this.changed();
  }

  /**
   * @param {string} author
   * @returns {{ title: string, description: string, drafts: Map<string, Draft> }}
   */
  #keptOf(author) {
    try {
      const { title = "", description = "", drafts = [] } =
        JSON.parse(this.#keeper.getItem(this.#keyOf(author)) ?? "null") ?? {};
      const named = drafts.map((/** @type {Draft} */ draft) => [draft.name, draft]);
      return { title, description, drafts: new Map(named) };
    } catch {
      // What was stored is not from this version of the page.
      return { title: "", description: "", drafts: new Map() };
    }
  }

  /** @param {Draft} draft @param {Uint8Array | null} bytes */
  async #post({ name, base }, bytes) {
    const connection = this.#connection;
    const data = base === null ? { name } : { name, base };
    if (bytes === null) {
      await connection.request("file", "delete", data);
      return;
    }
    const maxPart = Math.max(1, Math.ceil(bytes.length / PART));
    for (let part = 1; part <= maxPart; part++) {
      const piece = bytes.subarray((part - 1) * PART, part * PART);
      const message = { ...data, content: encodeBase64(piece), part, maxPart };
      if (part < maxPart) connection.tell("file", "post", message);
      else await connection.request("file", "post", message);
      await connection.roomToSend();
      if (!this.progress) continue;
      this.progress = { ...this.progress, done: this.progress.done + piece.length };
      this.changed();
    }
  }

  /** Forgets the edits that have been sent. @param {Sending} sending */
  #clear({ title, description, drafts }) {
    for (const draft of drafts) {
      if (this.drafts.get(draft.name) === draft) this.drafts.delete(draft.name);
    }
    for (const [name, draft] of this.drafts) if (!isChange(draft)) this.drafts.delete(name);
    if (this.title.trim() === title) this.title = "";
    if (this.description.trim() === description) this.description = "";
    this.error = null;
    this.save();
    this.changed();
  }
}
