// Parts of the page that are loaded when they are first wanted: most viewers only watch.

/** @typedef {import("../workspace.js").Workspace} Workspace */

/**
 * Loads a part once it is wanted, and mounts it. If that fails, the next change of `models` tries
 * again.
 * @template T
 * @param {() => boolean} isWanted
 * @param {() => Promise<T | null>} load
 * @param {(part: T) => void} mount
 * @param {...import("../observable.js").Observable} models
 */
export function later(isWanted, load, mount, ...models) {
  let isThere = false;
  const look = async () => {
    if (isThere || !isWanted()) return;
    const part = await load().catch(() => null);
    if (isThere || !part) return;
    isThere = true;
    mount(part);
  };
  for (const model of models) model.subscribe(() => void look());
  void look();
}

/**
 * Loads a dialog when it is first opened. If that fails, the dialog counts as closed.
 * @template T
 * @param {Workspace} workspace
 * @param {NonNullable<Workspace["dialog"]>} name
 * @param {() => Promise<T>} load
 * @param {(part: T) => void} mount
 */
export function laterDialog(workspace, name, load, mount) {
  const isOpen = () => workspace.dialog === name;
  const loadOrClose = () => load().catch(() => {
    if (isOpen()) workspace.set({ dialog: null });
    return null;
  });
  const mountOpen = (/** @type {T} */ part) => {
    mount(part);
    workspace.changed();
  };
  later(isOpen, loadOrClose, mountOpen, workspace);
}
