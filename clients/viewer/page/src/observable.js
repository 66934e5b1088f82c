// The base of all models: reports that it has changed. Views listen to models, and models to models
// below them.

/** Tells its listeners that it has changed, and nothing more: they read what they need. */
export class Observable {
  /** @type {Set<() => void>} */
  #listeners = new Set();

  /**
   * Calls `listener` after each change, until the function that is returned is called.
   * @param {() => void} listener
   * @returns {() => void}
   */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Tells all listeners. A model calls this when it is consistent again. */
  changed() {
    for (const listener of [...this.#listeners]) listener();
  }
}
