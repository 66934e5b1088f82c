// Light, dark, or as in the system. The choice is kept in this browser.
import { browserKeeper } from "../keeper.js";

/** @typedef {"auto" | "light" | "dark"} Theme */

const KEY = "theme";
/** @type {Theme[]} */
const ORDER = ["auto", "light", "dark"];

/** @returns {Theme} */
export function theme() {
  const chosen = document.documentElement.dataset.theme;
  return chosen === "light" || chosen === "dark" ? chosen : "auto";
}

/** Applies the choice of an earlier visit. */
export function restoreTheme() {
  apply(/** @type {Theme} */ (browserKeeper.getItem(KEY) ?? "auto"));
}

/** Switches to the next theme. */
export function nextTheme() {
  const next = ORDER[(ORDER.indexOf(theme()) + 1) % ORDER.length];
  browserKeeper.setItem(KEY, next);
  apply(next);
}

/** @param {Theme} chosen */
function apply(chosen) {
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  else delete document.documentElement.dataset.theme;
}
