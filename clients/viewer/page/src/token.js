// Tokens: where one arrives (in the fragment of the address, from which it is removed at once), and
// what it says about itself.
import { tabKeeper } from "./keeper.js";
import { readFragment, writeFragment } from "./names.js";

/** @typedef {import("./keeper.js").Keeper} Keeper */
/** @typedef {{ username?: string, streamername?: string, streamname?: string, room?: string, exp?: number,
 *   rights?: string[] }} Claims */

/**
 * Takes a token out of the address before anything else happens, and keeps it for this tab only.
 * @param {string} key under which it is kept
 * @returns {string | null}
 */
export function takeToken(key) {
  const { token, name, lines } = readFragment(location.hash);
  if (!token) return null;
  history.replaceState(null, "", location.pathname + (name ? writeFragment(name, lines ?? null) : ""));
  tabKeeper.setItem(key, token);
  return token;
}

/**
 * The key under which a project's token is kept.
 * @param {{ streamer: string, project: string }} place
 */
export function tokenKey({ streamer, project }) {
  return `token:${streamer}/${project}`;
}

/**
 * Whether a token gives a guest's name: only these begin with `~`.
 * @param {string | null} token
 */
export function isGuest(token) {
  return authorOf(String(claimsOf(token)?.username ?? "")) === GUESTS;
}

/**
 * Whether a token gives access to the chat of a room, unless its bearer is banned.
 * @param {string | null} token
 */
export function givesChat(token) {
  const { rights, room, streamname } = claimsOf(token) ?? {};
  return Boolean(room || streamname) && (!rights || rights.includes("chat"));
}

/** The author that stands for all guests of a tab, because a name stays taken for hours. */
export const GUESTS = "~";

/** The owner of work that is done under a name. @param {string | null} name */
export function authorOf(name) {
  return name?.startsWith(GUESTS) ? GUESTS : name;
}

/**
 * What a token says about itself. Only the server judges it.
 * @param {string | null} token
 * @returns {Claims | null}
 */
export function claimsOf(token) {
  try {
    const payload = (token ?? "").split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(payload), (char) => char.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}

/** The token of a tab: a link's, or a guest's while the link's is kept beside it. */
export class TabToken {
  #keeper;
  #key;
  /** @type {string | null} */
  token;

  /** @param {Keeper} keeper @param {string} key under which it is kept */
  constructor(keeper, key) {
    this.#keeper = keeper;
    this.#key = key;
    this.token = keeper.getItem(key);
    this.#forgetOldLink();
  }

  /** Continues with another token, and keeps it. @param {string} token */
  use(token) {
    this.token = token;
    this.#keeper.setItem(this.#key, token);
    this.#forgetOldLink();
  }

  drop() {
    this.token = null;
    this.#keeper.removeItem(this.#key);
  }

  /** Keeps the link's token, if it has one, while a guest's is used. */
  keepLink() {
    if (this.token !== null && !isGuest(this.token)) this.#keeper.setItem(this.#linkKey, this.token);
  }

  /** Returns to the link's token. Returns false if there is none. */
  goBackToLink() {
    const token = this.#keeper.getItem(this.#linkKey);
    this.#keeper.removeItem(this.#linkKey);
    if (token === null) return false;
    this.token = token;
    this.#keeper.setItem(this.#key, token);
    return true;
  }

  get #linkKey() {
    return `${this.#key} link`;
  }

  /** A newly opened link replaces the one before. */
  #forgetOldLink() {
    if (!isGuest(this.token)) this.#keeper.removeItem(this.#linkKey);
  }
}
