// The viewer's token, rights, roles and presence. Greets the server on every connection.
import { ConnectionLost, RequestError } from "./connection.js";
import { Expiry } from "./expiry.js";
import { writeAddress } from "./names.js";
import { Observable } from "./observable.js";
import { TabToken, claimsOf, givesChat, isGuest, tokenKey } from "./token.js";

/** @typedef {import("./connection.js").Connection} Connection */
/** @typedef {import("./keeper.js").Keeper} Keeper */
/**
 * What this connection may do in the project, as in the answer to `status`.
 * @typedef {{ name: string | null, read: boolean, listen: boolean, chat: boolean, propose: boolean,
 *   stream: boolean, apply: boolean, moderate: boolean }} You
 */
/**
 * - `connecting`: the first connection is being made; `lost`: it is being restored
 * - `ready`: watching; `missing`: watching a project that does not exist yet
 * - `denied`: reading needs a token; `refused`: the server refused for another reason
 * @typedef {"connecting" | "lost" | "ready" | "missing" | "denied" | "refused"} Phase
 */
/** The state of the token. @typedef {"none" | "good" | "expired" | "wrong"} TokenState */

/** @type {You} */
const NOBODY = {
  name: null, read: false, listen: false, chat: false, propose: false, stream: false, apply: false,
  moderate: false,
};
/** One viewer of one project. Knows no files and no chat messages. */
export class Session extends Observable {
  /** @type {Phase} */
  phase = "connecting";
  /** @type {You} */
  you = NOBODY;
  /** @type {TokenState} */
  tokenState = "none";
  /** What happened to a guest's name, until the next token. @type {"expired" | "wrong" | null} */
  lostName = null;
  live = false;
  viewers = 0;
  /** The server's key `guests`. @type {"off" | "chat" | "propose"} */
  guests = "off";
  /** The seconds between two of one's own messages in slow mode; 0 without it. */
  slow = 0;
  /** The ban from chat and proposals, with its end in epoch seconds. @type {{ until?: number } | null} */
  banned = null;
  /** The server's words when it refused. */
  refusal = "";
  /** As what the chat is received. @type {"member" | "listener" | null} */
  hears = null;

  #connection;
  #kept;
  /** @type {(() => void)[]} */
  #ready = [];
  /** @type {() => string[]} */
  #contentNames = () => [];
  /** The content of the last `watch` on this connection. @type {string | null} */
  #watched = null;
  #greeting = 0;
  #wasReady = false;
  #expiry = new Expiry(() => this.refresh());
  /** The end of a mute or a ban. */
  #release = new Expiry(() => this.refresh());

  /**
   * @param {Connection} connection
   * @param {{ streamer: string, project: string }} place
   * @param {Keeper} keeper where the token outlives a reload, but not the tab
   */
  constructor(connection, place, keeper) {
    super();
    this.streamer = place.streamer;
    this.project = place.project;
    this.#connection = connection;
    this.#kept = new TabToken(keeper, tokenKey(this));
    connection.greet = () => void this.#greet();
    connection.probe = () => void this.refresh().catch(() => {});
    connection.subscribe(() => this.#connectionChanged());
    connection.on("streamerConnected", () => this.#liveIs(true));
    connection.on("streamerDisconnected", () => this.#liveIs(false));
    connection.on("viewersChanged", ({ data }) => {
      this.viewers = data.viewers;
      this.changed();
    });
    connection.on("chatSlowed", ({ data }) => {
      this.slow = data.seconds;
      this.changed();
    });
    connection.on("chatModerated", ({ data }) => {
      if (data.username === this.you.name) this.#moderated(data);
    });
    connection.denied = () => void (this.tokenState === "good" && this.#expiry.ask());
    connection.on("badAuthError", () => this.#expired());
  }

  /** The members of a request that name the project. */
  get place() {
    return { username: this.streamer, project: this.project };
  }

  get #token() {
    return this.#kept.token;
  }

  /** The room that the token names, or else the project's. */
  get room() {
    return claimsOf(this.#token)?.room || `${this.streamer}/${this.project}`;
  }

  /** The name in the token, before the server has checked it. */
  get claimedName() {
    return claimsOf(this.#token)?.username ?? null;
  }

  /** The token, if the server has accepted it: for a request that cannot have headers. */
  get token() {
    return this.tokenState === "good" ? this.#token : null;
  }

  /** The address of a zip of the whole project. */
  get zipAddress() {
    return `/-/zip${writeAddress(this.streamer, this.project)}`;
  }

  /** The headers of an HTTP request with this viewer's rights. @returns {Record<string, string>} */
  get headers() {
    return this.token ? { Authorization: `Bearer ${this.token}` } : {};
  }

  /**
   * Calls `listener` after every greeting that found the project, once the roles are taken.
   * @param {() => void} listener
   */
  onReady(listener) {
    this.#ready.push(listener);
  }

  /** Sets what names the files to receive with contents. @param {() => string[]} names */
  contentNames(names) {
    this.#contentNames = names;
  }

  /** Watches the project, with the contents of the wanted files, unless it already does. */
  async watch() {
    const content = this.#contentNames();
    const watched = JSON.stringify(content);
    if (watched === this.#watched) return;
    this.#watched = watched;
    await this.#connection.request("file", "watch", { ...this.place, content, presence: true });
  }

  /** Asks for the state of the project, and for what this viewer may do. */
  async refresh() {
    const { data } = await this.#connection.request("file", "status", this.place);
    const wasBanned = this.banned !== null;
    this.#take(data);
    // The server reports an expired token only to a connection that loses a role by it.
    if (this.you.name === null && this.tokenState === "good") this.#expired();
    if (this.phase === "missing" || (wasBanned && !this.banned)) await this.#settle();
    this.changed();
  }

  /** Continues with another token, and keeps it for this tab. @param {string} token */
  useToken(token) {
    this.lostName = null;
    this.banned = null;
    this.#kept.use(token);
    this.#connection.reconnect();
  }

  /** Whether a guest's name would allow more than is allowed now: a link may only allow reading. */
  get mayJoin() {
    const { chat, propose } = this.you;
    const hasAll = chat && (propose || this.guests === "chat");
    return this.phase === "ready" && !hasAll && this.guests !== "off" && !this.banned;
  }

  /** Continues without a name: with the link that the viewer came by, if that has a token. */
  leave() {
    this.lostName = null;
    this.#dropToken("none");
    this.#kept.goBackToLink();
    this.#connection.reconnect();
  }

  /**
   * Takes a guest's name, and continues with it.
   * @param {string} name
   * @throws {RequestError | ConnectionLost} a name that is taken: its answer has a `suggestion`
   */
  async enterAsGuest(name) {
    const wanted = { name, streamer: this.streamer, project: this.project };
    const { data } = await this.#connection.request("guest", "enter", wanted).catch((error) => {
      if (error instanceof RequestError && error.answer.banned) this.#ban(error.answer);
      throw error;
    });
    this.#kept.keepLink();
    this.useToken(data.token);
  }

  /** Requests everything that a new connection needs, in as few round trips as possible. */
  async #greet() {
    const greeting = ++this.#greeting;
    const connection = this.#connection;
    const token = this.#token;
    this.hears = null;
    this.#watched = null;
    try {
      const known = token ? connection.request("authenticate", null, { token }) : null;
      const watched = this.watch();
      const status = connection.request("file", "status", this.place);
      watched.catch(() => {});
      status.catch(() => {});
      await known?.then(
        () => (this.tokenState = "good"),
        (error) => this.#tokenRefused(error),
      );
      await this.#heed(status);
      this.#expiry.until(claimsOf(this.token)?.exp);
      await watched;
      await this.#settle();
    } catch (error) {
      if (greeting === this.#greeting) this.#fail(error);
    }
  }

  /** @param {Promise<import("./connection.js").Message>} status */
  async #heed(status) {
    try {
      this.#take((await status).data);
      this.phase = "ready";
    } catch (error) {
      if (!(error instanceof RequestError) || error.type !== "failReadPathError") throw error;
      this.phase = "missing";
      this.live = false;
    }
  }

  /** @param {any} data what `status` says */
  #take({ streamer, viewers, guests, slow, you }) {
    this.live = streamer;
    this.viewers = viewers;
    this.guests = guests ?? "off";
    this.slow = slow ?? 0;
    this.you = { ...NOBODY, ...you };
    if (this.you.chat || Number(this.banned?.until) * 1000 < Date.now()) this.banned = null;
  }

  /** A moderator has decided about this viewer; their rights have changed. @param {any} data */
  #moderated({ action, until }) {
    if (action === "ban") this.#ban({ until });
    this.#release.until(until);
    void this.refresh().catch(() => {});
  }

  /** @param {{ until?: number }} ban */
  #ban({ until }) {
    this.banned = { until };
    this.hears = null;
    this.#release.until(until);
    this.changed();
  }

  /** Takes the roles that the rights allow. If one fails, the others stay. */
  async #settle() {
    if (this.phase === "missing" && !this.you.read) return this.changed();
    this.phase = "ready";
    const name = this.you.name;
    const ask = (/** @type {string} */ type, /** @type {string} */ subtype, /** @type {object} */ data) =>
      this.#connection.request(type, subtype, data).then(
        () => null,
        (error) => {
          if (error instanceof ConnectionLost) throw error;
          return error;
        },
      );
    // Somebody who is banned is told for how long.
    const isMember = this.you.chat || (name !== null && !this.you.listen && givesChat(this.token));
    const roles = [
      isMember
        ? ask("chat", "auth", { username: name, room: this.room })
        : this.you.listen ? ask("chat", "listen", { room: `${this.streamer}/${this.project}` }) : "none",
    ];
    if (this.you.stream) roles.push(ask("file", "auth", { ...this.place, present: false }));
    else if (this.you.propose) {
      const { streamer, project } = this;
      roles.push(ask("pullrequest", "auth", { username: name, streamer, project }));
    }
    const [refusal] = await Promise.all(roles);
    this.hears = refusal ? null : isMember ? "member" : "listener";
    if (isMember && !this.you.chat && refusal?.answer?.banned) this.#ban(refusal.answer);
    this.#wasReady = true;
    this.changed();
    for (const listener of this.#ready) listener();
  }

  /** @param {unknown} error */
  #tokenRefused(error) {
    if (!(error instanceof RequestError)) throw error;
    const expires = claimsOf(this.#token)?.exp ?? Infinity;
    if (this.#loseToken(expires * 1000 < Date.now() ? "expired" : "wrong")) this.#connection.reconnect();
  }

  /** The token's roles have ended with it: a new connection takes those that are left. */
  #expired() {
    if (this.#token === null) return;
    this.#loseToken("expired");
    this.you = { ...NOBODY, read: this.you.read };
    this.#connection.reconnect();
  }

  /**
   * Continues without a bad token. Returns true if the link's token takes its place.
   * @param {"expired" | "wrong"} why
   */
  #loseToken(why) {
    const wasName = isGuest(this.#token);
    this.#dropToken(wasName ? "none" : why);
    if (!wasName) return false;
    this.lostName = why;
    return this.#kept.goBackToLink();
  }

  /** @param {TokenState} state */
  #dropToken(state) {
    this.#kept.drop();
    this.tokenState = state;
  }

  /** @param {unknown} error */
  #fail(error) {
    if (error instanceof ConnectionLost) return;
    this.refusal = error instanceof Error ? error.message : String(error);
    this.phase = error instanceof RequestError && error.code === 401 ? "denied" : "refused";
    this.changed();
  }

  #connectionChanged() {
    if (this.#connection.state === "waiting") this.phase = this.#wasReady ? "lost" : "connecting";
    this.changed();
  }

  /** @param {boolean} live */
  #liveIs(live) {
    this.live = live;
    this.changed();
    if (live && this.phase === "missing") void this.refresh().catch(() => {});
  }
}
