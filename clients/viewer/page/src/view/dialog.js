// A dialog that is open as long as the workspace says so.

/** @typedef {import("../workspace.js").Workspace} Workspace */

/**
 * Opens and closes `element` with `workspace.dialog`. A press outside closes it; the focus goes back to where
 * it was. It has the focus at once, on what has `autofocus` or else on what comes first, so that the next key
 * is for it.
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
      // Where nothing had the focus before, the field would keep it until the next frame, and with it the
      // next key.
      const focused = document.activeElement;
      if (focused instanceof HTMLElement && dialog.contains(focused)) focused.blur();
    }
  });
  // Closed at once and not in a later task, which the next key could overtake: it is for the page.
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
