// Makes and connects the models while the views are still loading: the first of the page's scripts.
import { ActiveFile } from "./active.js";
import { Connection } from "./connection.js";
import { browserKeeper, tabKeeper } from "./keeper.js";
import { readAddress } from "./names.js";
import { Notices } from "./notices.js";
import { Project } from "./project.js";
import { Proposal } from "./proposal.js";
import { Review } from "./review.js";
import { Room } from "./room.js";
import { SentProposals } from "./sent.js";
import { Session } from "./session.js";
import { takeToken, tokenKey } from "./token.js";
import { Workspace } from "./workspace.js";

/** @typedef {ReturnType<typeof makeModels>} Models */

const place = readAddress(location.pathname);
if (place) takeToken(tokenKey(place));

/** The models of the project that the address names; null on the start page. */
export const models = place && makeModels(place);
models?.connection.start();

/** @param {{ streamer: string, project: string }} place */
function makeModels(place) {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const connection = new Connection(`${scheme}//${location.host}/ws`);
  const session = new Session(connection, place, tabKeeper);
  const project = new Project(connection, session);
  const workspace = new Workspace();
  const notices = new Notices();
  const active = new ActiveFile(project, workspace);
  const room = new Room({ connection, session });
  const sent = new SentProposals({ connection, session, keeper: browserKeeper });
  const proposal = new Proposal({ connection, session, sent, keeper: tabKeeper });
  const review = new Review({ connection, session, project, keeper: browserKeeper });
  return { connection, session, project, workspace, notices, active, room, sent, proposal, review };
}
