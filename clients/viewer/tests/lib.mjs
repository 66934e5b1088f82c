// What the tests use: a real server, the real command, a real browser.
export { PATIENCE, connect, streamer, viewer } from "./lib/client.mjs";
export { desktop, open, phone } from "./lib/browser.mjs";
export { projectWithProposal } from "./lib/proposal.mjs";
export { MAIN, sha256, story } from "./lib/story.mjs";
export {
  runPrinted,
  share,
  shareInTerminal,
  start,
  startServer,
  streamerToken,
  temporary,
  token,
  viewerToken,
} from "./lib/server.mjs";
export {
  code,
  difference,
  editFile,
  flood,
  openFile,
  openProposals,
  panel,
  propose,
  say,
  typeAtStart,
} from "./lib/panel.mjs";
