// Decides when to ask the server whether a token still holds: once it should have expired, and
// after a refusal.

/** How long after the token's expiry to ask the server. */
const MARGIN_MS = 1000;
/** The longest time for which a browser's timer can be set. */
const MAX_MS = 2 ** 31 - 1;

/** Asks one question at a time. The server judges by its own clock. */
export class Expiry {
  #question;
  #isAsking = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {() => Promise<unknown>} question */
  constructor(question) {
    this.#question = question;
  }

  /**
   * Asks once a token should have expired.
   * @param {number | undefined} exp in seconds since the epoch
   */
  until(exp = 0) {
    clearTimeout(this.#timer);
    const left = exp * 1000 + MARGIN_MS - Date.now();
    if (left > 0 && left < MAX_MS) this.#timer = setTimeout(() => void this.ask(), left);
  }

  /** Asks now, unless a question is open: a refused question must not lead to another. */
  async ask() {
    if (this.#isAsking) return;
    this.#isAsking = true;
    await this.#question().catch(() => {});
    this.#isAsking = false;
  }
}
