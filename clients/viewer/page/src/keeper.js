// What outlives a reload or a visit, where the browser lets a page keep anything. Text by key.

/**
 * What keeps texts by key; `setItem` is true if the text outlives a reload.
 * @typedef {{ getItem(key: string): string | null, setItem(key: string, value: string): boolean,
 *   removeItem(key: string): void }} Keeper
 */

/**
 * Keeps texts in a storage of the browser. What that does not take, since it is full or the browser
 * blocks it, is kept for as long as the page is open; an older text does not come back in its place.
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
