// The list of parts: makes the models, and has the views mounted once they have come. The connection does not wait for them.
import { ActiveFile } from "./active.js";
import { Connection } from "./connection.js";
import { readAddress } from "./names.js";
import { Notices } from "./notices.js";
import { Project } from "./project.js";
import { Proposal } from "./proposal.js";
import { Review } from "./review.js";
import { Room } from "./room.js";
import { SentProposals } from "./sent.js";
import { Session, tokenKey } from "./session.js";
import { takeToken } from "./view/address.js";
import { restoreTheme } from "./view/theme.js";
import { Workspace } from "./workspace.js";

const place = readAddress(location.pathname);
if (place) takeToken(tokenKey(place));
restoreTheme();
if (place) await showProject(place);
else await showLanding();

async function showLanding() {
  const { mountLanding } = await import("./view/landing.js");
  document.body.replaceChildren();
  document.body.dataset.view = "landing";
  mountLanding(document.body);
}

/** @param {{ streamer: string, project: string }} place */
async function showProject(place) {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const connection = new Connection(`${scheme}//${location.host}/ws`);
  const session = new Session(connection, place, sessionStorage);
  const project = new Project(connection, session);
  const workspace = new Workspace();
  const notices = new Notices();
  const active = new ActiveFile(project, workspace);
  const room = new Room({ connection, session });
  const sent = new SentProposals({ connection, session, keeper: localStorage });
  const proposal = new Proposal({ connection, session, sent, keeper: sessionStorage });
  const review = new Review({ connection, session, project, keeper: localStorage });
  connection.start();
  const { mountPage } = await import("./view/page.js");
  mountPage({ connection, session, project, workspace, notices, active, room, sent, proposal, review });
}
