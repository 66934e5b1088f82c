// The proposals: a viewer's own, or those that wait for the streamer.
import { html, nothing } from "../../vendor/lit-html.js";
import { propose, review as reviewTexts } from "../panel-texts.js";
import { joinButton, notAllowed, proposeTemplate } from "./propose.js";
import { region } from "./region.js";

const REFRESH_MS = 10_000;

/**
 * @typedef {{ proposal: import("../proposal.js").Proposal, sent: import("../sent.js").SentProposals,
 *   review: import("../review.js").Review, project: import("../project.js").Project,
 *   session: import("../session.js").Session, workspace: import("../workspace.js").Workspace,
 *   notices: import("../notices.js").Notices }} Models
 */

/**
 * Draws the proposals, and tells in notices what comes in and what is decided.
 *
 * @param {HTMLElement} element
 * @param {Models} models
 */
export function mountProposals(element, models) {
  const { proposal, sent, review, project, session, workspace, notices } = models;
  const drawLater = Object.assign(() => draw(), { now: () => draw.now() });
  const own = proposeTemplate(models, drawLater);
  /** @type {(() => unknown) | null} what waits for the streamer; nobody else's page loads it */
  let waiting = null;
  const loadWaiting = async () => {
    if (waiting || !review.mayReview) return;
    // Where it does not come now, the next news of the reviews asks for it again.
    const { reviewsTemplate } = await import("./reviews.js").catch(() => ({ reviewsTemplate: null }));
    waiting ??= reviewsTemplate && reviewsTemplate(models, drawLater);
    drawLater();
  };

  const template = () => {
    if (review.mayReview) return waiting?.() ?? nothing;
    if (proposal.mayPropose || proposal.drafts.size > 0) return own();
    if (session.guests === "propose" && (session.mayJoin || session.phase === "lost")) {
      return html`<h2>${propose.title}</h2><p class="hint">${propose.guest}</p>
        ${proposal.waiting > 0 ? html`<p class="hint">${propose.waiting(proposal.waiting)}</p>` : nothing}
        ${session.mayJoin ? joinButton(workspace) : nothing}`;
    }
    return html`<h2>${propose.title}</h2>${notAllowed(session)}`;
  };
  const draw = region(element, template, proposal, sent, review, project, session, workspace);
  review.subscribe(() => void loadWaiting());
  session.subscribe(() => void loadWaiting());

  const refresh = () => void (document.hidden || review.refresh());
  document.addEventListener("visibilitychange", refresh);
  setInterval(refresh, REFRESH_MS);

  sent.onDecided(({ state, title }) => {
    if (state === "waiting" || state === "withdrawn") return;
    const tone = state === "accepted" ? "good" : "plain";
    notices.say(propose.told[state](title), {
      tone,
      action: { label: propose.show, run: () => workspace.openPanel("proposals") },
    });
  });
  review.onArrived(({ id, owner, title }) => {
    const run = () => {
      review.select(id);
      workspace.openPanel("proposals");
    };
    notices.say(reviewTexts.arrived(owner, title), { action: { label: reviewTexts.look, run } });
  });
  review.onAccepted(({ title }) => notices.say(reviewTexts.accepted(title), { tone: "good" }));
}
