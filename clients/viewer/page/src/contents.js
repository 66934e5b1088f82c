// The contents that the page holds, up to a limit, the least recently used first. Others are read
// again when needed.
import { decodeText } from "./encoding.js";

/**
 * One version of a file. `text` is null if the bytes are not text. A stale version is older than
 * the server's.
 * @typedef {{ bytes: Uint8Array<ArrayBuffer>, text: string | null, stale: boolean }} Content
 */

export const MAX_HELD_BYTES = 32 * 1024 * 1024;

/** Contents by name. Those held fast are never dropped. */
export class Contents {
  /** @type {Map<string, Content>} */
  #held = new Map();
  #bytes = 0;
  /** @type {(name: string) => boolean} */
  #isFast;

  /** @param {(name: string) => boolean} isFast what must stay: the file that is being looked at */
  constructor(isFast) {
    this.#isFast = isFast;
  }

  /** @param {string} name */
  get(name) {
    const content = this.#held.get(name);
    if (content) {
      this.#held.delete(name);
      this.#held.set(name, content);
    }
    return content;
  }

  /** @param {string} name @param {Uint8Array<ArrayBuffer>} bytes */
  put(name, bytes) {
    this.delete(name);
    const content = { bytes, text: decodeText(bytes), stale: false };
    this.#held.set(name, content);
    this.#bytes += bytes.length;
    for (const each of this.#held.keys()) {
      if (this.#bytes <= MAX_HELD_BYTES) break;
      if (each !== name && !this.#isFast(each)) this.delete(each);
    }
    return content;
  }

  /** @param {string} name */
  delete(name) {
    this.#bytes -= this.#held.get(name)?.bytes.length ?? 0;
    this.#held.delete(name);
  }

  /** Notes that the server has a newer version. @param {string} name */
  outdate(name) {
    const content = this.#held.get(name);
    if (content) content.stale = true;
  }

  names() {
    return [...this.#held.keys()];
  }
}
