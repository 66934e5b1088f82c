// The proposals: a viewer's own, or the open ones for the streamer.
import { html, nothing } from "../../vendor/lit-html.js";
import { propose, review as reviewTexts } from "../panel-texts.js";
import { joinButton, notAllowed } from "./edits.js";
import { later } from "./later.js";
import { region } from "./region.js";

const REFRESH_MS = 10_000;

/**
 * @typedef {{ proposal: import("../proposal.js").Proposal, sent: import("../sent.js").SentProposals,
 *   review: import("../review.js").Review, project: import("../project.js").Project,
 *   session: import("../session.js").Session, workspace: import("../workspace.js").Workspace,
 *   notices: import("../notices.js").Notices }} Models
 */

/**
 * Draws the proposals, and announces in notices what arrives and what is decided.
 *
 * @param {HTMLElement} element
 * @param {Models} models
 */
export function mountProposals(element, models) {
  const { proposal, sent, review, project, session, workspace, notices } = models;
  /** @type {(() => unknown) | null} a viewer's own edits; who may not have any does not load it */
  let own = null;
  /** @type {(() => unknown) | null} what waits for the streamer; nobody else's page loads it */
  let waiting = null;
  const hasOwn = () => !review.mayReview && (proposal.mayPropose || proposal.drafts.size > 0);

  const template = () => {
    if (review.mayReview) return waiting?.() ?? nothing;
    if (hasOwn()) return own?.() ?? nothing;
    if (session.guests === "propose" && (session.mayJoin || session.phase === "lost")) {
      return html`<h2>${propose.title}</h2><p class="hint">${propose.guest}</p>
        ${proposal.waiting > 0 ? html`<p class="hint">${propose.waiting(proposal.waiting)}</p>` : nothing}
        ${session.mayJoin ? joinButton(workspace) : nothing}`;
    }
    return html`<h2>${propose.title}</h2>${notAllowed(session)}`;
  };
  const draw = region(element, template, proposal, sent, review, project, session, workspace);
  later(hasOwn, () => import("./propose.js"), ({ proposeTemplate }) => {
    own = proposeTemplate(models, draw);
    draw();
  }, proposal, session);
  later(() => review.mayReview, () => import("./reviews.js"), ({ reviewsTemplate }) => {
    waiting = reviewsTemplate(models, draw);
    draw();
  }, review, session);

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
