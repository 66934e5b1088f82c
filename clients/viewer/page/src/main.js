// Mounts each view on its element, and connects them. This is the only module that names them all.
import { Follow } from "./follow.js";
import { models } from "./start.js";
import { mountAddress } from "./view/address.js";
import { mountBar, mountFoot } from "./view/bar.js";
import { mountChat } from "./view/chat.js";
import { mountCode } from "./view/code.js";
import { discard, edit } from "./view/edits.js";
import { mountKeys } from "./view/keys.js";
import { later, laterDialog } from "./view/later.js";
import { mountPalette } from "./view/palette.js";
import { mountPreview } from "./view/preview.js";
import { mountProposals } from "./view/proposals.js";
import { byId, mountFrame, mountNotices, mountPanelTabs, mountPlaces } from "./view/shell.js";
import { mountBanner, mountState } from "./view/state.js";
import { mountFileBar, mountTabs } from "./view/tabs.js";
import { restoreTheme } from "./view/theme.js";
import { mountTree } from "./view/tree.js";

/** When a form is submitted, the browser leaves the page, or asks to, within this time. */
const DOWNLOAD_MS = 1000;

restoreTheme();
if (models) showProject(models);
else void showLanding();

async function showLanding() {
  document.body.replaceChildren();
  document.body.dataset.view = "landing";
  // A viewer of a project need not load this.
  const { mountLanding } = await import("./view/landing.js");
  mountLanding(document.body);
}

/** @param {import("./start.js").Models} models */
function showProject(models) {
  const { connection, session, project, workspace, notices, active, room, sent, proposal, review } = models;
  workspace.wrap = matchMedia("(max-width: 720px)").matches;
  const isEdited = (/** @type {string} */ name) => proposal.textOf(name) !== undefined;
  const mayEdit = () => proposal.mayPropose;
  const editFile = (/** @type {string} */ name) => void edit(models, name);
  const editActive = () => {
    if (mayEdit() && workspace.stage.kind !== "review" && active.name !== null) editFile(active.name);
  };
  const discardFile = (/** @type {string} */ name) => discard(models, name);
  const counts = { chat: () => room.unread, proposals: () => review.waiting, of: [room, review] };

  document.body.dataset.view = "project";
  mountFrame(workspace);
  mountAddress(workspace, session);
  const code = mountCode(byId("code"), { project, active, workspace, notices, edits: proposal });
  let stepDifference = (/** @type {1 | -1} */ _by) => false;
  const mayCompare = () => proposal.mayPropose || proposal.drafts.size > 0 || review.mayReview;
  later(mayCompare, () => import("./view/difference.js"), ({ mountDifference }) => {
    const difference = mountDifference(byId("difference"), {
      proposal, review, project, workspace, session, edit: editFile,
    });
    stepDifference = difference.step;
  }, proposal, review, session);
  mountBar(byId("bar"), {
    session, connection, workspace, skip: code.focus,
    unread: () => room.unread + review.waiting, unreadOf: [room, review],
  });
  mountTree(byId("files"), { project, workspace, isEdited, edits: proposal });
  mountTabs(byId("tabs"), { workspace, project, isEdited, edits: proposal });
  mountFileBar(byId("filebar"), {
    workspace, project, active, session, notices, isEdited, mayEdit, edit: editActive, discard: discardFile,
    edits: proposal,
  });
  mountPreview(byId("preview"), { active, project, workspace, notices, edits: proposal });
  mountState(byId("state"), { session, connection, project, workspace, notices });
  mountBanner(byId("banner"), session);
  mountPanelTabs(byId("panel-tabs"), { workspace, counts });
  mountPlaces(byId("places"), { workspace, counts });
  const chat = mountChat(byId("chat"), { connection, room, session, workspace, notices });
  mountProposals(byId("proposals"), { proposal, sent, review, project, session, workspace, notices });
  mountFoot(byId("foot"), { session, project, workspace });
  mountNotices(byId("notices"), notices);
  mountPalette(byId("palette"), { project, workspace });
  laterDialog(workspace, "help", () => import("./view/help.js"), ({ mountHelp }) => {
    mountHelp(byId("help"), workspace);
  });
  const focusPanel = () => (workspace.panel === "chat" ? chat.focus() : byId("tab-proposals").focus());
  laterDialog(workspace, "entry", () => import("./view/entry.js"), ({ mountEntry }) => {
    mountEntry(byId("entry"), { session, workspace, focusPanel });
  });
  /** Whether the next departure is the download of the zip, which does not leave the page. */
  let isDownload = false;
  const onDownload = () => {
    isDownload = true;
    setTimeout(() => (isDownload = false), DOWNLOAD_MS);
  };
  laterDialog(workspace, "take", () => import("./view/take.js"), ({ mountTake }) => {
    mountTake(byId("take"), { session, project, workspace, onDownload });
  });
  mountKeys(workspace, {
    find: code.find,
    edit: editActive,
    step: (by) => (workspace.stage.kind === "file" ? code.step(by) : stepDifference(by)),
    focusCode: code.focus,
    focusPanel,
  });

  // The code view must hear of a change before it is asked to show it, so this comes after it.
  new Follow(connection, project, workspace);

  const wake = () => document.visibilityState === "visible" && connection.wake();
  document.addEventListener("visibilitychange", wake);
  addEventListener("online", wake);
  // The code view must have handed on the last input, so this comes after it.
  addEventListener("beforeunload", (event) => {
    proposal.save();
    const isSafe = isDownload && proposal.kept;
    isDownload = false;
    if (!isSafe && proposal.changes.length + proposal.waiting > 0) event.preventDefault();
  });
  addEventListener("pagehide", () => proposal.save());
}
