// The streamer's side of the proposals: open ones, what has been looked at, accepting and closing.
import { html, nothing, repeat } from "../../vendor/lit-html.js";
import { visible, visibleLines } from "../names.js";
import { kinds, letters, review as texts } from "../panel-texts.js";
import { ago } from "../texts.js";
import { copyText } from "./clipboard.js";
import { chevronIcon } from "./icons.js";

/** @typedef {import("../review.js").Review} Review */
/** @typedef {import("../review.js").Proposed} Proposed */
/** @typedef {import("../review.js").Acceptance} Acceptance */
/** @typedef {import("../workspace.js").Workspace} Workspace */

const MAX_CONFLICTS = 20;

/**
 * The template of the streamer's proposals.
 *
 * @param {{ review: Review, workspace: Workspace, notices: import("../notices.js").Notices,
 *   session: import("../session.js").Session }} models
 * @param {() => void} draw asks for another render
 */
export function reviewsTemplate({ review, workspace, notices, session }, draw) {
  /**
   * The proposal that will be closed if the streamer confirms.
   * @type {string | null}
   */
  let closing = null;

  const look = (/** @type {Proposed} */ proposed, /** @type {string} */ name) => {
    review.select(proposed.id);
    workspace.show({ kind: "review", id: proposed.id, name });
  };
  /** @param {Proposed} proposed */
  const toggle = (proposed) => {
    if (review.selected === proposed.id) return review.select(null);
    const names = review.names(proposed);
    look(proposed, names.find((name) => !review.isTicked(proposed.id, name)) ?? names[0]);
  };
  const close = (/** @type {string} */ id) => {
    if (closing !== id) closing = id;
    else {
      closing = null;
      if (workspace.stage.kind === "review" && workspace.stage.id === id)
        workspace.show({ kind: "file" });
      void review.close(id);
    }
    draw();
  };
  const copy = async (/** @type {string} */ command) => {
    notices.say((await copyText(command)) ? texts.copied : texts.notCopied);
  };

  const file = (/** @type {Proposed} */ proposed, /** @type {string} */ name) => {
    const kind = proposed.deleted.includes(name)
      ? "deleted"
      : proposed.bases?.[name]
        ? "edited"
        : "added";
    const ticked = review.isTicked(proposed.id, name);
    const shown =
      workspace.stage.kind === "review" &&
      workspace.stage.id === proposed.id &&
      workspace.stage.name === name;
    return html`
      <li class="file-row">
        <input type="checkbox" class="tick" .checked=${ticked} aria-label=${texts.markSeen(name.slice(1))}
          @change=${(/** @type {any} */ event) => review.tick(proposed.id, name, event.target.checked)}>
        <button class="file" aria-current=${shown ? "true" : nothing} title=${visible(name)}
          @click=${() => look(proposed, name)}>
          <span class="kind ${kind}" aria-hidden="true">${letters[kind]}</span>
          <bdi class="path">${visible(name.slice(1))}</bdi>
          <span class="visually-hidden">${kinds[kind]}</span>
        </button>
      </li>`;
  };

  const command = (/** @type {string} */ id) => html`
    <p class="command"><code>${texts.command(id)}</code>
      <button class="button small" @click=${() => copy(texts.command(id))}>${texts.copy}</button></p>`;

  /** @param {string} id @param {Acceptance | undefined} acceptance */
  const outcome = (id, acceptance) => {
    switch (acceptance?.kind) {
      case "asked":
        return html`<p class="told" role="status">${texts.asked}</p>`;
      case "nobody":
        return html`<p class="told" role="status">${texts.nobody}</p>${command(id)}`;
      case "refused":
        return html`<p class="problem" role="alert">${texts.refused(acceptance.message)}</p>`;
      case "ended": {
        const { conflicts, message } = acceptance;
        return html`<div class="told" role="status">
          <p>${texts.outcomes[acceptance.outcome]}</p>
          ${message ? html`<p class="hint">${visible(message)}</p>` : nothing}
          ${
            conflicts.length > 0
              ? html`<p>${texts.conflicts(conflicts.length)}</p>
                <ul class="conflicts mono">
                  ${conflicts.slice(0, MAX_CONFLICTS).map((name) => html`<li><bdi
                    >${visible(name)}</bdi></li>`)}
                </ul>`
              : nothing
          }
        </div>`;
      }
      default:
        return nothing;
    }
  };

  const body = (/** @type {Proposed} */ proposed) => {
    const { id, description } = proposed;
    const acceptance = review.acceptances.get(id);
    return html`
      ${description ? html`<p class="words">${visibleLines(description)}</p>` : nothing}
      <ul class="file-rows">${repeat(
        review.names(proposed),
        (name) => name,
        (name) => file(proposed, name),
      )}</ul>
      ${outcome(id, acceptance)}
      ${
        closing === id
          ? html`<div class="row end"><span class="hint">${texts.closeSure}</span>
            <button class="button quiet" @click=${() => {
              closing = null;
              draw();
            }}>${texts.keep}</button>
            <button class="button danger" @click=${() => close(id)}>${texts.close}</button></div>`
          : html`<div class="row">
            <button class="button primary"
              ?disabled=${acceptance?.kind === "asked" || session.phase !== "ready"}
              @click=${() => review.accept(id)}>${texts.accept}</button>
            <button class="button" ?disabled=${session.phase !== "ready"}
              @click=${() => close(id)}>${texts.close}</button>
          </div>
          ${acceptance || !session.you.apply ? nothing : html`<p class="hint">${texts.withTerminal}</p>`}`
      }`;
  };

  const card = (/** @type {Proposed} */ proposed) => {
    const { id, owner, title, date } = proposed;
    const names = review.names(proposed);
    const seen = names.filter((name) => review.isTicked(id, name)).length;
    const isOpen = review.selected === id;
    return html`
      <li class=${isOpen ? "card open" : "card"}>
        <button class="card-toggle" aria-expanded=${isOpen} @click=${() => toggle(proposed)}>
          ${chevronIcon}<strong><bdi>${visible(title)}</bdi></strong>
          <span class="hint">
            ${texts.by(owner)} · ${ago(date, Date.now())} ·
            ${seen > 0 ? texts.seen(seen, names.length) : texts.files(names.length)}
          </span>
        </button>
        ${isOpen ? html`<div class="card-body">${body(proposed)}</div>` : nothing}
      </li>`;
  };

  return () => html`
    <h2 class="visually-hidden">${texts.title}</h2>
    ${review.loaded && review.open.length === 0 ? html`<p class="hint">${texts.empty}</p>` : nothing}
    <ul class="cards">${repeat(review.open, ({ id }) => id, card)}</ul>`;
}
