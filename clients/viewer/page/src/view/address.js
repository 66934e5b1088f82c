// The address: reads the place from it, and writes the place on screen to it.
import { baseName, readFragment, visible, writeFragment } from "../names.js";
import { takeToken, tokenKey } from "../token.js";

/**
 * Opens the place that the address names, and updates the address when the viewer goes elsewhere.
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
    const token = takeToken(tokenKey(session));
    if (token) session.useToken(token);
    go();
  });
  const tell = () => {
    const { active, following, lines } = workspace;
    // While following, the address stays that of the project, so that a reload continues to follow.
    const fragment = active === null || following ? "" : writeFragment(active, lines);
    if (fragment !== location.hash) history.replaceState(null, "", location.pathname + fragment);
    const project = `${visible(session.streamer)}/${visible(session.project)}`;
    document.title = active === null ? project : `${visible(baseName(active))} · ${project}`;
  };
  workspace.subscribe(tell);
  tell();
}
