// Keys for the whole page; help.js lists them.
import { browserKeeper } from "../keeper.js";

/** @typedef {import("../workspace.js").Workspace} Workspace */
/**
 * What keys do outside the workspace.
 * @typedef {{ find: () => void, edit: () => void, step: (by: 1 | -1) => void, focusCode: () => void,
 *   focusPanel: () => void }} Actions
 */

/** The storage key of whether single keys do anything. */
export const KEPT = "singleKeys";
/** The regions that F6 visits, in order; invisible ones are skipped. */
const REGIONS = [
  "#files [role=tree]", "#tabs [role=tab][tabindex='0']", "#code", "#preview [tabindex='0'], #preview button",
  "#difference", "#state button, #state input, #state a", "#panel-tabs [aria-selected=true]",
  "#bar button:not(.skip)", "#places button",
];

/** @param {Workspace} workspace @param {Actions} actions */
export function mountKeys(workspace, actions) {
  if (browserKeeper.getItem(KEPT) === "off") workspace.set({ singleKeys: false });

  /** @type {Record<string, () => void>} */
  const single = {
    t: () => workspace.set({ dialog: "palette" }),
    f: () => workspace.set({ following: !workspace.following }),
    "/": actions.find,
    e: actions.edit,
    c: () => panel("chat"),
    p: () => panel("proposals"),
    w: () => workspace.set({ wrap: !workspace.wrap }),
    "[": () => workspace.step(-1),
    "]": () => workspace.step(1),
    j: () => actions.step(1),
    k: () => actions.step(-1),
    "?": () => workspace.set({ dialog: "help" }),
  };

  /**
   * Leaves a field and the drawer, or else a difference, or else the drawer.
   * @param {boolean} isInField
   */
  function goBack(isInField) {
    if (isInField) {
      /** @type {HTMLElement | null} */ (document.activeElement)?.blur();
      workspace.set({ drawer: false });
      actions.focusCode();
    } else if (workspace.stage.kind !== "file") workspace.show({ kind: "file" });
    else workspace.set({ drawer: false });
  }

  /** @param {"chat" | "proposals"} which */
  function panel(which) {
    workspace.openPanel(which);
    actions.focusPanel();
  }

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    if (event.key === "F6") {
      goRound(event.shiftKey ? -1 : 1, actions.focusCode);
      event.preventDefault();
    } else if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key === "p") {
      workspace.set({ dialog: "palette" });
      event.preventDefault();
    } else if (event.key === "Escape") {
      if (workspace.dialog === null) return goBack(isTyping(event));
      // Nothing in the dialog has the focus, so the dialog has not received the key.
      event.preventDefault();
      workspace.set({ dialog: null });
    } else if (workspace.singleKeys && workspace.dialog === null && !isTyping(event)) {
      if (event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(single, event.key)) return;
      event.preventDefault();
      single[event.key]();
    }
  });
}

/** Whether keys type letters where they go now. @param {KeyboardEvent} event */
function isTyping(event) {
  const [target] = event.composedPath();
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

/** @param {1 | -1} by @param {() => void} focusCode */
function goRound(by, focusCode) {
  const all = REGIONS.map((selector) => /** @type {HTMLElement | null} */ (
    [...document.querySelectorAll(selector)].find((each) => each.checkVisibility()) ?? null));
  const seen = all.filter((each) => each !== null);
  const here = seen.findIndex((each) => regionOf(each).contains(document.activeElement));
  const next = seen.at((here + (here < 0 && by < 0 ? 0 : by)) % seen.length);
  if (next?.id === "code") focusCode();
  else if (next?.tabIndex === -1 && next.id === "difference") {
    /** @type {HTMLElement} */ (next.querySelector("button, [tabindex]") ?? next).focus();
  } else next?.focus();
}

/** @param {HTMLElement} element */
function regionOf(element) {
  const regions = "#files, #tabs, #code, #preview, #difference, #state, #panel, #bar, #places";
  return element.closest(regions) ?? element;
}
