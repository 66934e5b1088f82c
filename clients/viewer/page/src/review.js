// The open proposals for the streamer: their files, what has been looked at, accepting and closing.
// Touches no element.
import { ConnectionLost, RequestError } from "./connection.js";
import { decodeBase64, decodeText, joinBytes, sha256Hex } from "./encoding.js";
import { Lately } from "./lately.js";
import { Observable } from "./observable.js";

/** @typedef {import("./connection.js").Connection} Connection */
/** @typedef {import("./project.js").Project} Project */
/** @typedef {import("./session.js").Session} Session */
/** @typedef {import("./keeper.js").Keeper} Keeper */
/**
 * An open proposal, as the server describes it.
 * @typedef {{ id: string, owner: string, title: string, description: string, date: number, files: string[],
 *   deleted: string[], bases?: Record<string, string>, deletedBases?: Record<string, string> }} Proposed
 */
/**
 * A file before and after a proposal; null if there is no such file, and `text` is null if it is
 * not text. `moved`: the project's file is not the one that the author started from.
 *
 * @typedef {{ before: Side | null, after: Side | null, moved: boolean }} Comparison
 */
/** @typedef {{ bytes: Uint8Array, text: string | null }} Side */
/**
 * The state of accepting: asked on the streamer's side, decided there, or impossible.
 * @typedef {{ kind: "asked" } | { kind: "ended", outcome: "applied" | "partly" | "declined" | "failed",
 *   conflicts: string[], message: string } | { kind: "nobody" }
 *   | { kind: "refused", message: string }} Acceptance
 */

/** The ticks of how many proposals are kept. */
const MAX_TICKED = 100;
/** How many proposals are remembered so that they are not announced again. */
export const MAX_HEARD_OF = 1000;
/** The most bytes of one proposal that the page holds. */
const MAX_BYTES = 64 * 1024 * 1024;

/** The streamer's side of proposals. */
export class Review extends Observable {
  /** @type {Proposed[]} oldest first */
  open = [];
  /** @type {string | null} the proposal that is being looked at */
  selected = null;
  /** Whether the list has arrived once. */
  loaded = false;
  /** The state of accepting each proposal. @type {Map<string, Acceptance>} */
  acceptances = new Map();

  #connection;
  #session;
  #project;
  #keeper;
  /** Names that have been looked at, by proposal. @type {Map<string, Set<string>>} */
  #ticks = new Map();
  /**
   * The files of the proposal that was asked for last.
   * @type {{ id: string, files: Promise<Map<string, Side>> } | null}
   */
  #fetched = null;
  /** The proposal of each question to the streamer's side. @type {Map<number, Proposed>} */
  #questions = new Map();
  /** How many questions have been sent but have no number yet. */
  #asking = 0;
  /**
   * Answers that arrived in that time: an answer may come before the number.
   * @type {Map<number, Acceptance>}
   */
  #early = new Map();
  /** Proposals that arrived before anybody listened. @type {Proposed[]} */
  #untold = [];
  /** @type {(proposed: Proposed) => void} */
  #arrived = (proposed) => void this.#untold.push(proposed);
  /** @type {(proposed: Proposed) => void} */
  #accepted = () => {};
  /** @type {Lately<string>} */
  #heardOf = new Lately(MAX_HEARD_OF);

  /**
   * @param {{ connection: Connection, session: Session, project: Project, keeper: Keeper }} parts
   */
  constructor({ connection, session, project, keeper }) {
    super();
    this.#connection = connection;
    this.#session = session;
    this.#project = project;
    this.#keeper = keeper;
    this.#loadTicks();
    connection.on("pullRequestCreated", ({ data }) => this.#created(data));
    connection.on("pullRequestClosed", ({ data }) => this.#remove(data.id));
    connection.on("pullRequestApplyEnded", ({ data }) =>
      this.#ended(data.request, { kind: "ended", ...data }),
    );
    connection.on("failApplyError", ({ data, message }) => {
      this.#ended(data?.request, { kind: "refused", message: message ?? "" });
    });
    session.onReady(() => void this.#catchUp());
    session.subscribe(() => this.changed());
    project.onChange(() => this.changed());
  }

  /**
   * Calls `arrived` for each proposal that arrives while the page is open.
   * @param {(proposed: Proposed) => void} arrived
   */
  onArrived(arrived) {
    this.#arrived = arrived;
    for (const proposed of this.#untold.splice(0)) arrived(proposed);
  }

  /**
   * Calls `accepted` for each proposal that is now in the streamer's folder because this page asked
   * for it.
   * @param {(proposed: Proposed) => void} accepted
   */
  onAccepted(accepted) {
    this.#accepted = accepted;
  }

  /** Whether this is the streamer's page. */
  get mayReview() {
    return this.#session.you.stream;
  }

  /** How many proposals are open. */
  get waiting() {
    return this.open.length;
  }

  /** @param {string | null} id @returns {Proposed | undefined} */
  find(id) {
    return this.open.find((each) => each.id === id);
  }

  /** All names that a proposal concerns, in order. @param {Proposed} proposed */
  names({ files, deleted }) {
    return [...files, ...deleted].sort((one, other) => (one < other ? -1 : 1));
  }

  /** @param {string | null} id */
  select(id) {
    this.selected = id;
    this.changed();
  }

  /** @param {string} id @param {string} name */
  isTicked(id, name) {
    return this.#ticks.get(id)?.has(name) ?? false;
  }

  /** @param {string} id @param {string} name @param {boolean} ticked */
  tick(id, name, ticked) {
    const names = this.#ticks.get(id) ?? new Set();
    if (names.has(name) === ticked) return;
    if (ticked) names.add(name);
    else names.delete(name);
    this.#ticks.delete(id);
    this.#ticks.set(id, names);
    const kept = [...this.#ticks].slice(-MAX_TICKED);
    this.#ticks = new Map(kept);
    this.#keeper.setItem(this.#key, JSON.stringify(kept.map(([key, value]) => [key, [...value]])));
    this.changed();
  }

  /**
   * What a proposal does to one file.
   *
   * @param {string} id
   * @param {string} name
   * @returns {Promise<Comparison>}
   */
  async compare(id, name) {
    const proposed = this.find(id);
    if (!proposed) return { before: null, after: null, moved: false };
    const [files, before] = await Promise.all([this.#files(id), this.#current(name)]);
    const base = proposed.bases?.[name] ?? proposed.deletedBases?.[name];
    const moved =
      base === undefined
        ? before !== null && files.has(name)
        : before === null || sha256Hex(before.bytes) !== base;
    return { before, after: files.get(name) ?? null, moved };
  }

  /**
   * Lists the open proposals: if one is decided elsewhere, the server tells only its author.
   */
  async refresh() {
    if (!this.mayReview || this.#connection.state !== "open") return;
    try {
      /** @type {Proposed[]} */
      const listed = [];
      const last = await this.#connection.request("pullrequest", "list", {}, ({ data }) =>
        listed.push(...data),
      );
      listed.push(...last.data);
      for (const { id } of listed) this.#heardOf.add(id);
      this.loaded = true;
      const ids = (/** @type {Proposed[]} */ open) => open.map(({ id }) => id).join();
      if (ids(listed) === ids(this.open)) return;
      this.open = listed;
      if (!this.find(this.selected)) this.selected = null;
      this.changed();
    } catch {
      // The connection was lost; the next greeting lists again.
    }
  }

  /**
   * Asks the streamer's `twicecast share` to put a proposal into their folder.
   * @param {string} id
   */
  async accept(id) {
    const proposed = this.find(id);
    if (!proposed || this.acceptances.get(id)?.kind === "asked") return;
    this.#outcome(id, { kind: "asked" });
    this.#asking++;
    try {
      const { data } = await this.#connection.request("pullrequest", "apply", { id });
      this.#questions.set(data.request, proposed);
      const early = this.#early.get(data.request);
      if (early) this.#ended(data.request, early);
    } catch (error) {
      if (error instanceof RequestError && error.type === "failApplyError") {
        await this.#session.refresh().catch(() => {});
        this.#outcome(
          id,
          this.#session.you.apply
            ? { kind: "refused", message: error.message }
            : { kind: "nobody" },
        );
      } else this.#outcome(id, { kind: "refused", message: reason(error) });
    } finally {
      if (--this.#asking === 0) this.#early.clear();
    }
  }

  /** Closes a proposal without accepting it. @param {string} id */
  async close(id) {
    try {
      await this.#connection.request("pullrequest", "delete", { id, outcome: "closed" });
      this.#remove(id);
    } catch (error) {
      this.#outcome(id, { kind: "refused", message: reason(error) });
    }
  }

  get #key() {
    return `seen:${this.#session.streamer}/${this.#session.project}`;
  }

  #loadTicks() {
    try {
      const kept = JSON.parse(this.#keeper.getItem(this.#key) ?? "[]");
      this.#ticks = new Map(
        kept.map((/** @type {[string, string[]]} */ [id, names]) => [id, new Set(names)]),
      );
    } catch {
      // What was stored is not from this version of the page.
    }
  }

  /** Lists the open proposals after each greeting; open questions will not be answered any more. */
  async #catchUp() {
    this.#questions.clear();
    for (const [id, { kind }] of [...this.acceptances])
      if (kind === "asked") this.acceptances.delete(id);
    if (!this.mayReview) {
      this.open = [];
      this.changed();
      return;
    }
    await this.refresh();
  }

  /** @param {Proposed} proposed */
  #created(proposed) {
    if (!this.open.some(({ id }) => id === proposed.id)) this.open = [...this.open, proposed];
    if (this.#heardOf.add(proposed.id) && this.loaded) this.#arrived(proposed);
    this.changed();
  }

  /** @param {string} id */
  #remove(id) {
    this.open = this.open.filter((each) => each.id !== id);
    if (this.selected === id) this.selected = null;
    if (this.#fetched?.id === id) this.#fetched = null;
    this.changed();
  }

  /** @param {number | undefined} request @param {Acceptance} acceptance */
  #ended(request, acceptance) {
    const proposed = request === undefined ? undefined : this.#questions.get(request);
    if (request === undefined) return;
    if (!proposed) {
      if (this.#asking > 0) this.#early.set(request, acceptance);
      return;
    }
    this.#questions.delete(request);
    this.#outcome(proposed.id, acceptance);
    if (acceptance.kind === "ended" && acceptance.outcome === "applied") this.#accepted(proposed);
    void this.refresh();
  }

  /** @param {string} id @param {Acceptance} acceptance */
  #outcome(id, acceptance) {
    this.acceptances.set(id, acceptance);
    this.changed();
  }

  /** All files of a proposal; those of the last one are kept. @param {string} id */
  #files(id) {
    if (this.#fetched?.id !== id) {
      const files = this.#fetch(id);
      this.#fetched = { id, files };
      files.catch(() => (this.#fetched = null));
    }
    return this.#fetched.files;
  }

  /** @param {string} id @returns {Promise<Map<string, Side>>} */
  async #fetch(id) {
    /** @type {Map<string, Uint8Array[]>} */
    const pieces = new Map();
    let bytes = 0;
    await this.#connection.request("pullrequest", "get", { id }, ({ data }) => {
      if (data.part === 1) pieces.set(data.name, []);
      const piece = decodeBase64(data.content);
      bytes += piece.length;
      if (bytes <= MAX_BYTES) pieces.get(data.name)?.push(piece);
    });
    if (bytes > MAX_BYTES) throw new RangeError("the proposal is too large");
    return new Map([...pieces].map(([name, parts]) => [name, side(joinBytes(parts))]));
  }

  /** @param {string} name @returns {Promise<Side | null>} */
  async #current(name) {
    if (!this.#project.entries.has(name)) return null;
    const { bytes, text } = await this.#project.read(name);
    return { bytes, text };
  }
}

/** @param {Uint8Array} bytes @returns {Side} */
function side(bytes) {
  return { bytes, text: decodeText(bytes) };
}

/** @param {unknown} error */
function reason(error) {
  return error instanceof ConnectionLost || !(error instanceof Error) ? "" : error.message;
}
