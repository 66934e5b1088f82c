// Fetches files and listings from the server: over HTTP if that relieves the connection, otherwise
// over the connection.
import { decodeBase64, joinBytes } from "./encoding.js";
import { encodeName, writeAddress } from "./names.js";

/** @typedef {import("./connection.js").Connection} Connection */
/** @typedef {import("./connection.js").Message} Message */
/** @typedef {import("./session.js").Session} Session */
/** @typedef {{ name: string, size: number, modified: number, executable?: boolean }} Listed */

/** A longer file is fetched over HTTP, so that nothing waits behind it on the connection. */
const MAX_OVER_SOCKET = 128 * 1024;
/** How often a server that is short of memory is asked, and the longest wait in between. */
const MAX_TRIES = 4;
const MAX_WAIT_SECONDS = 5;

/** Fetches what a project contains. Keeps nothing. */
export class Transfer {
  #connection;
  #session;

  /** @param {Connection} connection @param {Session} session */
  constructor(connection, session) {
    this.#connection = connection;
    this.#session = session;
  }

  /** A file's bytes over HTTP, for a download. @param {string} name @returns {Promise<Blob>} */
  async download(name) {
    const { streamer, project, headers } = this.#session;
    const address = `/-/raw${writeAddress(streamer, project)}${encodeName(name)}`;
    const answer = await ask(address, { headers, cache: "no-store" });
    if (!answer.ok) throw new Error(`${answer.status}`);
    return answer.blob();
  }

  /**
   * A file's bytes.
   * @param {string} name
   * @param {number} size what is known of its size
   */
  async bytes(name, size) {
    return (size > MAX_OVER_SOCKET && (await this.#raw(name))) || (await this.#parts(name));
  }

  /**
   * All files of the project.
   * @param {(count: number) => void} progress called with how many have come, where they come in several
   *   messages
   * @returns {Promise<Listed[]>}
   */
  async list(progress) {
    return (await this.#listOverHttp()) ?? (await this.#listOverSocket(progress));
  }

  /**
   * @param {string} name
   * @returns {Promise<Uint8Array<ArrayBuffer> | null>} null where the server has no such address
   */
  async #raw(name) {
    try {
      return new Uint8Array(await (await this.download(name)).arrayBuffer());
    } catch {
      return null;
    }
  }

  /** @param {string} name */
  async #parts(name) {
    /** @type {Uint8Array[]} */
    let pieces = [];
    await this.#connection.request("file", "get", { ...this.#session.place, name }, ({ data }) => {
      if (data.part === 1) pieces = [];
      pieces.push(decodeBase64(data.content));
    });
    return joinBytes(pieces);
  }

  /** @returns {Promise<Listed[] | null>} null where the server has no such address */
  async #listOverHttp() {
    const { streamer, project, headers } = this.#session;
    try {
      const answer = await ask(`/-/files${writeAddress(streamer, project)}`, { headers });
      return answer.ok ? (await answer.json()).files : null;
    } catch {
      return null;
    }
  }

  /** @param {(count: number) => void} progress */
  async #listOverSocket(progress) {
    /** @type {Listed[]} */
    const files = [];
    const take = (/** @type {Message} */ message) => {
      for (const file of message.data.files) files.push(file);
      progress(files.length);
    };
    const wanted = { ...this.#session.place, name: "/", recursively: true, hashes: false };
    take(await this.#connection.request("file", "list", wanted, take));
    return files;
  }
}

/**
 * Fetches, and tries again later if the server is short of memory.
 * @param {string} address
 * @param {RequestInit} options
 */
async function ask(address, options) {
  for (let tries = 1; ; tries++) {
    const answer = await fetch(address, options);
    const after = answer.headers.get("Retry-After");
    if (answer.status !== 503 || after === null || tries === MAX_TRIES) return answer;
    const seconds = Math.min(Number(after) || 1, MAX_WAIT_SECONDS);
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  }
}
