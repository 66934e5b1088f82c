// The project as this viewer has it: entries, contents, and changes as they arrive. No element.
import { Contents } from "./contents.js";
import { decodeBase64, joinBytes } from "./encoding.js";
import { Folders } from "./folders.js";
import { Observable } from "./observable.js";
import { Transfer } from "./transfer.js";

/** @typedef {import("./connection.js").Connection} Connection */
/** @typedef {import("./contents.js").Content} Content */
/** @typedef {import("./session.js").Session} Session */
/** `guessed`: the size is the server's, but the time is when we heard of the change. */
/** @typedef {{ size: number, modified: number, executable: boolean, guessed?: boolean }} Entry */
/** @typedef {import("./transfer.js").Listed} Listed */
/**
 * A change of a file: `after` is its new content, `null` if the file is gone, `undefined` if only
 * the fact is known.
 * @typedef {{ name: string, before: Content | undefined, after: Content | null | undefined }} Change
 */

/** A longer file is not shown, only downloaded. */
export const MAX_SHOWN_BYTES = 8 * 1024 * 1024;
/** The files that changed last are held ready, so that their next change can be shown at once. */
const MAX_WARM = 24;
const MAX_WARM_BYTES = 64 * 1024;
const MAX_WARM_TOTAL = 256 * 1024;
/** The contract allows 256 names; open files come first. */
const MAX_CONTENT_NAMES = 250;

/** How often in a row a file is read that changes while it is read. */
const MAX_READS = 3;

/** A file that is too long to be shown. */
export class TooLarge extends Error {}
/** A file that no longer exists. */
export class Gone extends Error {}

/**
 * All files of one project. Calls `changed` for entries, and the `onChange` listeners for each
 * change of a file.
 */
export class Project extends Observable {
  /** @type {Map<string, Entry>} */
  entries = new Map();
  folders = new Folders();
  loaded = false;
  /**
   * How many entries the present listing has brought so far; null if there is none.
   * @type {number | null}
   */
  listed = null;
  /** When files changed that nobody has looked at since. @type {Map<string, number>} */
  touched = new Map();
  /** @type {{ name: string, at: number } | null} */
  last = null;

  #connection;
  #session;
  #transfer;
  #contents = new Contents((name) => name === this.#looked);
  /** @type {Set<string>} */
  #wanted = new Set();
  /** The wanted file that is being looked at. @type {string | null} */
  #looked = null;
  /** Held ready, oldest first. @type {Set<string>} */
  #warm = new Set();
  /** @type {Map<string, Promise<Content>>} */
  #reading = new Map();
  /** Files that have changed since the server was asked for them. @type {Set<string>} */
  #moved = new Set();
  /** @type {Map<string, { pieces: Uint8Array[], bytes: number }>} */
  #incoming = new Map();
  /** Names in messages that arrived during a listing and are newer. @type {Set<string>} */
  #heardOf = new Set();
  #listing = 0;
  /** @type {((change: Change) => void)[]} */
  #listeners = [];

  /** @param {Connection} connection @param {Session} session */
  constructor(connection, session) {
    super();
    this.#connection = connection;
    this.#session = session;
    this.#transfer = new Transfer(connection, session);
    session.contentNames(() => this.#contentNames());
    session.onReady(() => void this.#load().catch(() => {}));
    // Parts belong to one connection: the next one does not continue with the rest of a file.
    connection.subscribe(() => connection.state === "waiting" && this.#incoming.clear());
    connection.on("fileGet", ({ data }) => this.#pushed(data));
    connection.on("fileChanged", ({ data }) => this.#changedElsewhere(data));
    connection.on("fileDeleted", ({ data }) => this.#deleted(data.file));
  }

  /**
   * Calls `listener` for each change of a file.
   * @param {(change: Change) => void} listener
   */
  onChange(listener) {
    this.#listeners.push(listener);
  }

  /**
   * Says which files are open: changes of these come with their content.
   * @param {string[]} names
   * @param {string | null} looked the one that is being looked at
   */
  want(names, looked) {
    this.#looked = looked;
    if (names.length === this.#wanted.size && names.every((name) => this.#wanted.has(name))) return;
    this.#wanted = new Set(names);
    this.#watch();
  }

  /** Notes that somebody has looked at a file. @param {string} name */
  seen(name) {
    if (this.touched.delete(name)) this.changed();
  }

  /** The content that is held of a file, perhaps stale. @param {string} name */
  held(name) {
    return this.#contents.get(name);
  }

  /**
   * The newest content of a file; a stale one only if it changes faster than it can be read.
   * @param {string} name
   * @returns {Promise<Content>}
   * @throws {TooLarge | Gone | import("./connection.js").RequestError |
   *   import("./connection.js").ConnectionLost}
   */
  read(name) {
    const held = this.#contents.get(name);
    if (held && !held.stale) return Promise.resolve(held);
    const under = this.#reading.get(name);
    if (under) return under;
    const reading = this.#fetch(name).finally(() => {
      this.#reading.delete(name);
      this.#moved.delete(name);
    });
    this.#reading.set(name, reading);
    return reading;
  }

  /** A file's bytes over HTTP, for a download. @param {string} name */
  download(name) {
    return this.#transfer.download(name);
  }

  /** @param {string} name @returns {Promise<Content>} */
  async #fetch(name) {
    for (let again = MAX_READS - 1; ; again--) {
      const entry = this.entries.get(name);
      if (!entry) throw new Gone(name);
      if (entry.size > MAX_SHOWN_BYTES) {
        this.#contents.delete(name);
        throw new TooLarge(name);
      }
      if (entry.size <= MAX_WARM_BYTES) this.#keepWarm([name]);
      const before = this.#contents.get(name);
      this.#moved.delete(name);
      const bytes = await this.#transfer.bytes(name, entry.size).catch((error) => {
        // If the file has been deleted since, that is why it could not be read.
        throw this.entries.has(name) ? error : new Gone(name);
      });
      if (!this.entries.has(name)) throw new Gone(name);
      // A change that has arrived since is newer.
      const pushed = this.#contents.get(name);
      if (pushed && pushed !== before && !pushed.stale) return pushed;
      const content = this.#contents.put(name, bytes);
      content.stale = this.#moved.has(name);
      if (before?.stale) this.#tell({ name, before, after: content });
      if (!content.stale || again === 0) return content;
    }
  }

  /** Notes that what is held or being read of a file is out of date. @param {string} name */
  #outdate(name) {
    this.#contents.outdate(name);
    if (this.#reading.has(name)) this.#moved.add(name);
  }

  /** @param {string[]} names */
  #keepWarm(names) {
    for (const name of names) {
      this.#warm.delete(name);
      this.#warm.add(name);
    }
    for (const each of this.#warm) {
      if (this.#warm.size <= MAX_WARM) break;
      this.#warm.delete(each);
    }
    this.#watch();
  }

  #watch() {
    if (this.#connection.state === "open") this.#session.watch().catch(() => {});
  }

  #contentNames() {
    const names = new Set([...this.#wanted, ...this.#warm]);
    const small = [...names].filter((name) => (this.entries.get(name)?.size ?? 0) <= MAX_SHOWN_BYTES);
    return small.slice(0, MAX_CONTENT_NAMES);
  }

  /** Lists the project, and updates what is held. */
  async #load() {
    const listing = ++this.#listing;
    this.#heardOf.clear();
    this.listed = 0;
    try {
      const files = await this.#transfer.list((count) => {
        if (listing !== this.#listing) return;
        this.listed = count;
        this.changed();
      });
      if (listing !== this.#listing) return;
      this.#reconcile(files);
    } finally {
      if (listing === this.#listing) {
        this.listed = null;
        this.#heardOf.clear();
      }
    }
    this.loaded = true;
    this.changed();
    for (const name of this.#contents.names()) if (this.#wanted.has(name)) this.read(name).catch(() => {});
    await this.#warmUp(listing);
  }

  /** @param {Listed[]} files */
  #reconcile(files) {
    const first = !this.loaded;
    const listed = new Set();
    for (const { name, size, modified, executable } of files) {
      listed.add(name);
      if (this.#heardOf.has(name)) continue;
      const known = this.entries.get(name);
      const same = known && known.size === size && (known.guessed || known.modified === modified);
      if (!same || known.guessed) this.#outdate(name);
      if (!same && !first) this.#note(name, modified);
      if (!known) this.folders.add(name);
      this.entries.set(name, { size, modified, executable: executable === true });
    }
    for (const name of [...this.entries.keys()]) {
      if (!listed.has(name) && !this.#heardOf.has(name)) this.#remove(name);
    }
  }

  /**
   * Reads the files that changed last, one by one, as long as nothing else needs the connection.
   * @param {number} listing
   */
  async #warmUp(listing) {
    const recent = [...this.entries]
      .filter(([, { size }]) => size > 0 && size <= MAX_WARM_BYTES)
      .sort(([, one], [, other]) => other.modified - one.modified)
      .slice(0, MAX_WARM);
    let bytes = 0;
    const names = recent.filter(([, { size }]) => (bytes += size) <= MAX_WARM_TOTAL).map(([name]) => name);
    this.#keepWarm(names);
    for (const name of names) {
      if (listing !== this.#listing) return;
      await this.read(name).catch(() => {});
    }
  }

  /**
   * A change with its content, perhaps in parts.
   * @param {{ name: string, content: string, part: number, maxPart: number, executable?: boolean }} data
   */
  #pushed({ name, content, part, maxPart, executable }) {
    this.#hear(name);
    const incoming = part === 1 ? { pieces: [], bytes: 0 } : this.#incoming.get(name);
    if (!incoming) return;
    const bytes = decodeBase64(content);
    incoming.bytes += bytes.length;
    if (incoming.bytes <= MAX_SHOWN_BYTES) incoming.pieces.push(bytes);
    else incoming.pieces.length = 0;
    if (part < maxPart) {
      this.#incoming.set(name, incoming);
      return;
    }
    this.#incoming.delete(name);
    // The content may be too long to be held, or be dropped before an older version has been read.
    if (this.#reading.has(name)) this.#moved.add(name);
    if (!this.entries.has(name)) this.folders.add(name);
    const modified = Date.now();
    const { bytes: size } = incoming;
    this.entries.set(name, { size, modified, executable: executable === true, guessed: true });
    this.#note(name, Date.now());
    const before = this.#contents.get(name);
    if (incoming.bytes > MAX_SHOWN_BYTES) {
      this.#contents.delete(name);
      this.#watch();
      this.#tell({ name, before, after: undefined });
    } else {
      this.#tell({ name, before, after: this.#contents.put(name, joinBytes(incoming.pieces)) });
    }
    this.changed();
  }

  /** A change without its content, because the content was not wanted. @param {Listed} data */
  #changedElsewhere({ name, size, modified, executable }) {
    this.#hear(name);
    if (!this.entries.has(name)) this.folders.add(name);
    this.entries.set(name, { size, modified, executable: executable === true });
    this.#outdate(name);
    this.#note(name, Date.now());
    this.#tell({ name, before: this.#contents.get(name), after: undefined });
    this.changed();
  }

  /** @param {string} name */
  #deleted(name) {
    this.#hear(name);
    this.#remove(name);
    this.changed();
  }

  /** @param {string} name */
  #remove(name) {
    this.#incoming.delete(name);
    if (!this.entries.delete(name)) return;
    this.folders.delete(name);
    this.touched.delete(name);
    this.#warm.delete(name);
    const before = this.#contents.get(name);
    this.#contents.delete(name);
    this.#tell({ name, before, after: null });
  }

  /** @param {string} name */
  #hear(name) {
    if (this.listed !== null) this.#heardOf.add(name);
  }

  /** @param {string} name @param {number} at */
  #note(name, at) {
    this.touched.set(name, at);
    this.last = { name, at };
  }

  /** @param {Change} change */
  #tell(change) {
    for (const listener of this.#listeners) listener(change);
  }
}
