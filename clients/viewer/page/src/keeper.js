// Keeps texts across a reload or a visit, if the browser allows it. Text by key.

/**
 * Keeps texts by key; `setItem` returns true if the text survives a reload.
 * @typedef {{ getItem(key: string): string | null, setItem(key: string, value: string): boolean,
 *   removeItem(key: string): void }} Keeper
 */

/**
 * Keeps texts in a storage of the browser. A text that it does not accept, because it is full or
 * blocked, is kept while the page is open; an older text does not come back in its place.
 *
 * @param {() => Storage} find gives the storage, or throws where the browser blocks it
 * @returns {Keeper}
 */
export function makeKeeper(find) {
  /** @type {Map<string, string>} */
  const own = new Map();
  /** @template T @param {(storage: Storage) => T} use @param {T} otherwise */
  const attempt = (use, otherwise) => {
    try {
      return use(find());
    } catch {
      return otherwise;
    }
  };
  const forget = (/** @type {string} */ key) => attempt((storage) => storage.removeItem(key), undefined);
  return {
    getItem: (key) => own.get(key) ?? attempt((storage) => storage.getItem(key), null),
    setItem(key, value) {
      const isKept = attempt((storage) => {
        storage.setItem(key, value);
        return true;
      }, false);
      if (isKept) own.delete(key);
      else {
        own.set(key, value);
        forget(key);
      }
      return isKept;
    },
    removeItem(key) {
      own.delete(key);
      forget(key);
    },
  };
}

/** For this tab. */
export const tabKeeper = makeKeeper(() => sessionStorage);
/** For this browser. */
export const browserKeeper = makeKeeper(() => localStorage);
