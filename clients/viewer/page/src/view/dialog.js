// A dialog that is open as long as the workspace says so.

/** @typedef {import("../workspace.js").Workspace} Workspace */

/**
 * Opens and closes `element` with `workspace.dialog`. A press outside closes it, and the focus
 * returns to where it was. The dialog gets the focus at once, on the element with `autofocus` or
 * else the first one, so that it receives the next key.
 * @param {HTMLElement} element
 * @param {Workspace} workspace
 * @param {NonNullable<Workspace["dialog"]>} name
 * @param {() => void} draw renders what is in it, at once
 */
export function joinDialog(element, workspace, name, draw) {
  const dialog = /** @type {HTMLDialogElement} */ (element);
  workspace.subscribe(() => {
    if (workspace.dialog === name && !dialog.open) {
      draw();
      dialog.showModal();
    } else if (workspace.dialog !== name && dialog.open) {
      dialog.close();
      // If nothing had the focus before, the field would keep it until the next frame, and would
      // get the next key.
      const focused = document.activeElement;
      if (focused instanceof HTMLElement && dialog.contains(focused)) focused.blur();
    }
  });
  // It is closed at once: the next key is meant for the page, and could overtake a later task.
  dialog.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.isComposing) return;
    event.preventDefault();
    workspace.set({ dialog: null });
  });
  dialog.addEventListener("close", () => workspace.dialog === name && workspace.set({ dialog: null }));
  dialog.addEventListener("pointerdown", (event) => {
    if (event.target === dialog) workspace.set({ dialog: null });
  });
}
