// The address: what it says when the page opens and when it changes, and what it says of the place on screen.
import { readFragment, visible, baseName, writeFragment } from "../names.js";

/**
 * Takes a token out of the address before anything else happens, and keeps it for this tab alone.
 * @param {string} key under which it is kept
 * @returns {string | null}
 */
export function takeToken(key) {
  const { token, name, lines } = readFragment(location.hash);
  if (!token) return null;
  history.replaceState(null, "", location.pathname + (name ? writeFragment(name, lines ?? null) : ""));
  sessionStorage.setItem(key, token);
  return token;
}

/**
 * Opens the place that the address names, and keeps the address at the place that the viewer looks at.
 * @param {import("../workspace.js").Workspace} workspace
 * @param {import("../session.js").Session} session
 */
export function mountAddress(workspace, session) {
  const go = () => {
    const { name, lines } = readFragment(location.hash);
    if (name) workspace.open(name, { lines: lines ?? null });
  };
  go();
  addEventListener("hashchange", () => {
    const token = takeToken(session.key);
    if (token) session.useToken(token);
    go();
  });
  const tell = () => {
    const { active, following, lines } = workspace;
    // While following, the address stays that of the project: whoever reloads it follows on.
    const fragment = active === null || following ? "" : writeFragment(active, lines);
    if (fragment !== location.hash) history.replaceState(null, "", location.pathname + fragment);
    const project = `${visible(session.streamer)}/${visible(session.project)}`;
    document.title = active === null ? project : `${visible(baseName(active))} · ${project}`;
  };
  workspace.subscribe(tell);
  tell();
}
