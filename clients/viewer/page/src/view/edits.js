// Starting and discarding edits, from wherever that is requested, and the way to a name that may
// propose.
import { html } from "../../vendor/lit-html.js";
import { isChange } from "../draft.js";
import { sha256Hex } from "../encoding.js";
import { chat, propose as texts } from "../panel-texts.js";

/** @typedef {import("../draft.js").Draft} Draft */
/** @typedef {import("../proposal.js").Proposal} Proposal */
/** @typedef {import("../project.js").Project} Project */
/** @typedef {import("../workspace.js").Workspace} Workspace */
/** @typedef {import("../notices.js").Notices} Notices */

/**
 * The content of a file to start an edit from; null, and a notice, if there is none.
 *
 * @param {Project} project
 * @param {Notices} notices
 * @param {string} name
 * @returns {Promise<{ text: string | null, sha256: string } | null>}
 */
export async function baseOf(project, notices, name) {
  try {
    const { bytes, text } = await project.read(name);
    return { text, sha256: sha256Hex(bytes) };
  } catch {
    notices.say(texts.gone, { tone: "bad" });
    return null;
  }
}

/**
 * Starts to edit a file, and shows it.
 *
 * @param {{ proposal: Proposal, project: Project, workspace: Workspace, notices: Notices }} models
 * @param {string} name
 */
export async function edit({ proposal, project, workspace, notices }, name) {
  if (proposal.textOf(name) === undefined) {
    const base = await baseOf(project, notices, name);
    if (!base) return;
    if (base.text === null) return notices.say(texts.noText, { tone: "bad" });
    if (!proposal.begin(name, { ...base, text: base.text }))
      return notices.say(texts.tooLong, { tone: "bad" });
  }
  workspace.open(name, { keep: true, focus: true });
}

/**
 * Discards the edit of a file, and offers to undo that.
 *
 * @param {{ proposal: Proposal, project: Project, workspace: Workspace, notices: Notices }} models
 * @param {string} name
 */
export function discard({ proposal, project, workspace, notices }, name) {
  const removed = proposal.discard(name);
  if (!project.entries.has(name)) workspace.close(name);
  offerUndo({ proposal, workspace, notices }, name, removed);
}

/**
 * Says that an edit has been discarded, and offers to undo that if anything is lost with it.
 *
 * @param {{ proposal: Proposal, workspace: Workspace, notices: Notices }} models
 * @param {string} name
 * @param {Draft[]} removed
 */
export function offerUndo({ proposal, workspace, notices }, name, removed) {
  if (!removed.some(isChange)) return;
  const undo = () => {
    if (!proposal.restore(removed)) notices.say(texts.tooLong, { tone: "bad" });
    else if (proposal.textOf(name) !== undefined) workspace.open(name, { keep: true });
  };
  notices.say(texts.discarded(name.slice(1)), { action: { label: texts.undo, run: undo } });
}

/** The button that leads to a guest's name. @param {Workspace} workspace */
export function joinButton(workspace) {
  const open = () => workspace.set({ dialog: "entry" });
  return html`<div><button type="button" class="button" @click=${open}>${texts.join}</button></div>`;
}

/** Why the viewer may not propose. @param {import("../session.js").Session} session */
export function notAllowed({ banned, streamer }) {
  const why = banned ? chat.banned(banned.until ?? 0) : texts.notAllowed(streamer);
  return html`<p class="hint">${why}</p>`;
}
