// The proposals that this viewer has sent, and what happened to them. Touches no element.
import { ConnectionLost } from "./connection.js";
import { bytesOf } from "./draft.js";
import { sha256Hex } from "./encoding.js";
import { Observable } from "./observable.js";

/** @typedef {import("./connection.js").Connection} Connection */
/** @typedef {import("./session.js").Session} Session */
/** @typedef {import("./draft.js").Draft} Draft */
/** @typedef {import("./keeper.js").Keeper} Keeper */
/**
 * A proposal of this viewer's. `ended` means that it was decided while nobody was here to be told
 * how. `files` has the SHA-256 that each file would have, null for a deletion, "" if it is not
 * known.
 *
 * @typedef {{ id: string, title: string, date: number, files: Record<string, string | null>,
 *   state: "waiting" | "accepted" | "closed" | "withdrawn" | "ended" }} Sent
 */
/**
 * @typedef {{ id: string, title: string, description: string, date: number, files: string[],
 * deleted: string[] }} Listed
 */
/**
 * A proposal as it is sent.
 * @typedef {{ title: string, description: string, drafts: Draft[] }} Sending
 */

const MAX_SENT = 50;
/** How many files are checked to find out whether a proposal was accepted. */
const LOOKED_AT = 20;

/** Remembers across reloads what was sent, and asks the server what has happened to it. */
export class SentProposals extends Observable {
  /** @type {Sent[]} newest first */
  all = [];

  #connection;
  #session;
  #keeper;
  /** Proposals that were decided before anybody listened. @type {Sent[]} */
  #untold = [];
  /** @type {(sent: Sent) => void} */
  #tell = (sent) => void this.#untold.push(sent);
  /** The proposal that was being finished when a connection was lost. @type {Sending | null} */
  #doubt = null;
  /** @type {(sending: Sending) => void} */
  #arrived = () => {};

  /** @param {{ connection: Connection, session: Session, keeper: Keeper }} parts */
  constructor({ connection, session, keeper }) {
    super();
    this.#connection = connection;
    this.#session = session;
    this.#keeper = keeper;
    connection.on("pullRequestClosed", ({ data }) => {
      this.#end(data.id, data.outcome === "merged" ? "accepted" : data.outcome);
    });
    session.onReady(() => void this.#catchUp());
  }

  /**
   * Calls `tell` when a proposal has been decided by somebody else, also if it was decided while
   * nobody was here or listened.
   * @param {(sent: Sent) => void} tell
   */
  onDecided(tell) {
    this.#tell = tell;
    for (const sent of this.#untold.splice(0)) tell(sent);
  }

  /**
   * Calls `arrived` if it turns out that a proposal in doubt has reached the server.
   * @param {(sending: Sending) => void} arrived
   */
  onArrived(arrived) {
    this.#arrived = arrived;
  }

  /**
   * Notes that the connection was lost before the last answer; after the next greeting the list
   * tells.
   * @param {Sending} sending
   */
  doubt(sending) {
    this.#doubt = sending;
  }

  /** Finds the proposal that was just sent in the list of open ones. @param {Sending} sending */
  async add(sending) {
    const known = new Set(this.all.map(({ id }) => id));
    const found = (await this.#list()).findLast(
      (each) => !known.has(each.id) && isOf(each, sending),
    );
    if (found) this.#remember(found, sending.drafts);
  }

  /** Withdraws an open proposal. @param {string} id */
  async withdraw(id) {
    await this.#connection.request("pullrequest", "delete", { id });
    this.#end(id, "withdrawn", false);
  }

  /** Removes a decided proposal from the list. @param {string} id */
  forget(id) {
    this.all = this.all.filter((sent) => sent.id !== id || sent.state === "waiting");
    this.#save();
    this.changed();
  }

  get #key() {
    return `proposals:${this.#session.streamer}/${this.#session.project}:${this.#session.you.name}`;
  }

  /** @returns {Promise<Listed[]>} this viewer's open proposals, oldest first */
  async #list() {
    /** @type {Listed[]} */
    const listed = [];
    const last = await this.#connection.request("pullrequest", "list", {}, ({ data }) =>
      listed.push(...data),
    );
    return [...listed, ...last.data];
  }

  /** Finds out after each greeting what has happened to everything that was sent. */
  async #catchUp() {
    const { you } = this.#session;
    if (!you.propose || you.stream) {
      this.all = [];
      this.changed();
      return;
    }
    this.#load();
    this.changed();
    try {
      const listed = await this.#list();
      for (const each of listed) {
        if (this.all.some(({ id }) => id === each.id)) continue;
        const sending = this.#doubt && isOf(each, this.#doubt) ? this.#doubt : null;
        this.#remember(each, sending?.drafts);
        if (!sending) continue;
        this.#doubt = null;
        this.#arrived(sending);
      }
      this.#doubt = null;
      const open = new Set(listed.map(({ id }) => id));
      for (const each of this.all) {
        if (each.state === "waiting" && !open.has(each.id))
          this.#end(each.id, await this.#outcomeOf(each));
      }
    } catch {
      // The connection was lost; the next greeting asks again.
    }
  }

  /** @param {Listed} listed @param {Draft[]} [drafts] */
  #remember({ id, title, date, files, deleted }, drafts = []) {
    const hashes = new Map(
      drafts.map((draft) => [draft.name, draft.after === null ? null : sha256Hex(bytesOf(draft))]),
    );
    const names = [
      ...files.map((name) => [name, hashes.get(name) ?? ""]),
      ...deleted.map((name) => [name, null]),
    ];
    /** @type {Sent} */
    const sent = { id, title, date, files: Object.fromEntries(names), state: "waiting" };
    this.all = [sent, ...this.all].sort((one, other) => other.date - one.date).slice(0, MAX_SENT);
    this.#save();
    this.changed();
  }

  /**
   * The state of a proposal that is no longer open: accepted, if the files are as it proposed.
   * @param {Sent} sent
   */
  async #outcomeOf({ files }) {
    for (const [name, wanted] of Object.entries(files).slice(0, LOOKED_AT)) {
      if (wanted === "" || (await this.#hashOf(name)) !== wanted) return "ended";
    }
    return "accepted";
  }

  /** @param {string} name @returns {Promise<string | null>} null if the project has no such file */
  async #hashOf(name) {
    try {
      const { data } = await this.#connection.request("file", "list", {
        ...this.#session.place,
        name,
      });
      return (
        data.files.find((/** @type {{ name: string }} */ file) => file.name === name)?.sha256 ??
        null
      );
    } catch (error) {
      if (error instanceof ConnectionLost) throw error;
      return null;
    }
  }

  /** @param {string} id @param {Sent["state"]} state @param {boolean} [tell] */
  #end(id, state, tell = true) {
    const sent = this.all.find((each) => each.id === id && each.state === "waiting");
    if (!sent) return;
    const decided = { ...sent, state };
    this.all = this.all.map((each) => (each === sent ? decided : each));
    this.#save();
    this.changed();
    if (tell) this.#tell(decided);
  }

  #load() {
    try {
      this.all = JSON.parse(this.#keeper.getItem(this.#key) ?? "[]");
    } catch {
      this.all = [];
    }
  }

  #save() {
    // If nothing can be stored, the page learns from the server what is open.
    this.#keeper.setItem(this.#key, JSON.stringify(this.all));
  }
}

/**
 * Whether an open proposal is the one that was sent.
 * @param {Listed} listed
 * @param {Sending} sending
 */
function isOf({ title, description, files, deleted }, sending) {
  const listed = [...files, ...deleted].sort().join("\n");
  const sent = sending.drafts
    .map(({ name }) => name)
    .sort()
    .join("\n");
  return title === sending.title && description === sending.description && listed === sent;
}
