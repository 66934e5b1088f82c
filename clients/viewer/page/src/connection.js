// One WebSocket that reconnects: requests and their answers by `ref`, pushes by type, backoff.
// Knows no file and touches no element.
import { Observable } from "./observable.js";

/**
 * A message from the server. Members beyond these depend on its type.
 * @typedef {{ code: number, type: string, data?: any, message?: string, ref?: number, last?: boolean,
 *   retryAfter?: number, until?: number, banned?: boolean, suggestion?: string, file?: string,
 *   path?: string }} Message
 */
/**
 * @typedef {{ each?: (message: Message) => void, resolve: (message: Message) => void,
 *   reject: (error: Error) => void, whole: boolean, at: number }} Waiting
 */

const FIRST_DELAY_MS = 400;
const LONGEST_DELAY_MS = 20_000;
/** After so long without traffic, the connection is tested with a request. */
const QUIET_MS = 25_000;
/** If an answer is due and nothing arrives for so long, the connection counts as lost. */
const HUNG_MS = 12_000;
const CHECK_MS = 3_000;
/** How many bytes of requests may wait for the network. */
const MAX_BUFFERED = 256 * 1024;
const BUFFER_POLL_MS = 20;

/** An error that the server answers to a request. */
export class RequestError extends Error {
  /** @param {Message} answer */
  constructor(answer) {
    super(answer.message ?? answer.type);
    this.answer = answer;
    this.code = answer.code;
    this.type = answer.type;
  }
}

/**
 * The connection ended before the answer arrived; it is not known whether the request took effect.
 */
export class ConnectionLost extends Error {
  constructor() {
    super("the connection was lost");
  }
}

/** A connection to one address that is restored whenever it is lost. */
export class Connection extends Observable {
  /** @type {"idle" | "connecting" | "open" | "waiting"} */
  state = "idle";
  /** When the next attempt begins, as in `Date.now()`; only valid while waiting. */
  retryAt = 0;
  /** Called for every new connection, before anything else is sent. @type {() => void} */
  greet = () => {};
  /** Called after a time without traffic; must send a request. @type {() => void} */
  probe = () => {};
  /** Called when a request was refused for lack of a right, which the token may have lost. */
  denied = () => {};

  #address;
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {Map<number, Waiting>} */
  #waiting = new Map();
  /** @type {Map<string, ((message: Message) => void)[]>} */
  #handlers = new Map();
  #nextRef = 1;
  #attempts = 0;
  #heard = 0;
  #began = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #checks;

  /** @param {string} address of the WebSocket */
  constructor(address) {
    super();
    this.#address = address;
  }

  /** Connects now, even while waiting for the next attempt. */
  start() {
    if (this.state === "connecting" || this.state === "open") return;
    clearTimeout(this.#timer);
    this.#checks ??= setInterval(() => this.#check(), CHECK_MS);
    const socket = new WebSocket(this.#address);
    this.#socket = socket;
    this.state = "connecting";
    this.#began = performance.now();
    socket.onopen = () => socket === this.#socket && this.#opened();
    socket.onmessage = (event) => socket === this.#socket && this.#receive(event.data);
    socket.onclose = () => socket === this.#socket && this.#lost();
    this.changed();
  }

  /**
   * Tests the connection, or connects at once: the tab has become visible, or the network is back.
   */
  wake() {
    if (this.state === "waiting") this.start();
    else if (this.state === "open" && performance.now() - this.#heard > CHECK_MS) this.probe();
  }

  /** Ends this connection and makes another one at once. */
  reconnect() {
    if (this.state === "idle") return;
    this.#lost();
    this.start();
  }

  /**
   * Calls `handler` for every push of a type, in addition to earlier handlers.
   * @param {string} type
   * @param {(message: Message) => void} handler
   */
  on(type, handler) {
    this.#handlers.set(type, [...(this.#handlers.get(type) ?? []), handler]);
  }

  /**
   * Sends a request, and waits for the last message of the answer. `each` gets the messages before
   * it (parts of files and lists).
   * @param {string} type
   * @param {string | null} subtype
   * @param {object} [data]
   * @param {(message: Message) => void} [each]
   * @returns {Promise<Message>}
   * @throws {RequestError | ConnectionLost}
   */
  request(type, subtype, data = {}, each) {
    const socket = this.#socket;
    if (!socket || this.state !== "open") return Promise.reject(new ConnectionLost());
    const ref = this.#nextRef++;
    socket.send(JSON.stringify({ type, ...(subtype === null ? {} : { subtype }), data, ref }));
    return new Promise((resolve, reject) => {
      this.#waiting.set(ref, { each, resolve, reject, whole: subtype === null, at: performance.now() });
    });
  }

  /**
   * Sends something that is not answered: a part of a file that is not its last.
   * @param {string} type
   * @param {string} subtype
   * @param {object} data
   * @throws {ConnectionLost}
   */
  tell(type, subtype, data) {
    if (!this.#socket || this.state !== "open") throw new ConnectionLost();
    this.#socket.send(JSON.stringify({ type, subtype, data }));
  }

  /** Waits until the network has taken most of what was sent. @throws {ConnectionLost} */
  async roomToSend() {
    const socket = this.#socket;
    while (socket && socket === this.#socket && socket.bufferedAmount > MAX_BUFFERED) {
      await new Promise((resolve) => setTimeout(resolve, BUFFER_POLL_MS));
    }
    if (!socket || socket !== this.#socket) throw new ConnectionLost();
  }

  #opened() {
    this.state = "open";
    this.#attempts = 0;
    this.#heard = performance.now();
    this.greet();
    this.changed();
  }

  /** @param {unknown} text */
  #receive(text) {
    this.#heard = performance.now();
    /** @type {Message} */
    const message = JSON.parse(String(text));
    const waiting = message.ref === undefined ? undefined : this.#waiting.get(message.ref);
    if (!waiting) {
      for (const handle of this.#handlers.get(message.type) ?? []) handle(message);
      return;
    }
    if (message.code === 200 && !isLast(message, waiting.whole)) {
      waiting.each?.(message);
      return;
    }
    this.#waiting.delete(/** @type {number} */ (message.ref));
    if (message.code === 200) return waiting.resolve(message);
    if (message.code === 401 && !waiting.whole) this.denied();
    waiting.reject(new RequestError(message));
  }

  #lost() {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    const longest = Math.min(FIRST_DELAY_MS * 2 ** this.#attempts++, LONGEST_DELAY_MS);
    const delay = longest * (0.5 + Math.random() / 2);
    this.state = "waiting";
    this.retryAt = Date.now() + delay;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.start(), delay);
    for (const each of waiting) each.reject(new ConnectionLost());
    this.changed();
  }

  #check() {
    const now = performance.now();
    const [oldest] = this.#waiting.values();
    if (this.state === "connecting") {
      if (now - this.#began > HUNG_MS) this.#lost();
    } else if (this.state === "open") {
      if (oldest && now - Math.max(this.#heard, oldest.at) > HUNG_MS) this.#lost();
      else if (!oldest && now - this.#heard > QUIET_MS) this.probe();
    }
  }
}

/**
 * Whether a message ends the answer to its request.
 * @param {Message} message
 * @param {boolean} whole whether the request was `authenticate`, which has one message for each section first
 */
function isLast(message, whole) {
  switch (message.type) {
    case "fileGet":
      return false;
    case "fileList":
      return message.data.last === true;
    case "pullRequestList":
      return message.last === true;
    case "fileAuth":
    case "chatAuth":
    case "pullRequestAuth":
      return !whole;
    default:
      return true;
  }
}
