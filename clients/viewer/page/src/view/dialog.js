// A dialog that is open as long as the workspace says so.

/** @typedef {import("../workspace.js").Workspace} Workspace */

/**
 * Opens and closes `element` with `workspace.dialog`. A press outside closes it; the focus goes back to where it was.
 * @param {HTMLElement} element
 * @param {Workspace} workspace
 * @param {NonNullable<Workspace["dialog"]>} name
 * @param {() => void} [onOpen] called once it is open
 */
export function joinDialog(element, workspace, name, onOpen) {
  const dialog = /** @type {HTMLDialogElement} */ (element);
  workspace.subscribe(() => {
    if (workspace.dialog === name && !dialog.open) {
      dialog.showModal();
      onOpen?.();
      requestAnimationFrame(() => requestAnimationFrame(() => {
        if (document.activeElement !== dialog) return;
        /** @type {HTMLElement | null} */ (dialog.querySelector("input, button.primary, button"))?.focus();
      }));
    } else if (workspace.dialog !== name && dialog.open) {
      dialog.close();
      // Where nothing had the focus before, the field would keep it until the next frame, and with it the next key.
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
