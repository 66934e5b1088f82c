// A bounded set: the oldest values are forgotten first.

/** The values that were added last. @template T */
export class Lately {
  /** @type {Set<T>} */
  #values = new Set();

  /** @param {number} most how many are remembered */
  constructor(most) {
    this.most = most;
  }

  /** Adds a value. Returns true if it is new. @param {T} value */
  add(value) {
    const isNew = !this.#values.delete(value);
    this.#values.add(value);
    for (const first of this.#values) {
      if (this.#values.size <= this.most) break;
      this.#values.delete(first);
    }
    return isNew;
  }
}
