// The difference between two versions of a file: the viewer's own edit, or a proposed change.
import { html, nothing } from "../../vendor/lit-html.js";
import { MergeView, getChunks, goToNextChunk, goToPreviousChunk } from "../../vendor/merge.js";
import { normalised } from "../draft.js";
import { sizeText, visible } from "../names.js";
import { difference as texts } from "../panel-texts.js";
import { compare } from "./compare.js";
import { closeIcon, editIcon } from "./icons.js";
import { region } from "./region.js";

/** @typedef {import("../../vendor/codemirror.js").EditorView} EditorView */
/** @typedef {import("../workspace.js").Stage} Stage */
/** `text` is null if it is not text. @typedef {{ text: string | null, size: number }} Version */
/**
 * What is compared; null if there is no such version.
 * @typedef {{ before: Version | null, after: Version | null, moved: boolean }} Compared
 */
/**
 * @typedef {{ proposal: import("../proposal.js").Proposal, review: import("../review.js").Review,
 *   project: import("../project.js").Project, workspace: import("../workspace.js").Workspace,
 *   session: import("../session.js").Session, edit: (name: string) => void }} Models
 */

/** In a narrower window there is no room for two columns, in pixels. */
const NARROW = "(max-width: 720px)";

/**
 * Draws the difference that the stage shows, and hides itself if the stage shows none.
 *
 * @param {HTMLElement} element
 * @param {Models} models
 */
export function mountDifference(element, { proposal, review, project, workspace, session, edit }) {
  const narrow = matchMedia(NARROW);
  let unified = false;
  /** @type {{ stage: Stage, source: unknown } | null} what is shown, and what it was made from */
  let shown = null;
  /** @type {Compared | "loading" | "failed"} */
  let state = "loading";
  /** @type {MergeView | EditorView | null} */
  let view = null;
  let serial = 0;
  const head = document.createElement("div");
  const body = document.createElement("div");
  head.className = "difference-head";
  body.className = "difference-body";
  element.append(head, body);
  const root = body.attachShadow({ mode: "open" });

  /** The editor with the newer version. */
  const newer = () => (view instanceof MergeView ? view.b : view);

  function clear() {
    view?.destroy();
    view = null;
    root.replaceChildren();
  }

  /** Checks whether the difference on screen is still the one that the stage shows. */
  async function refresh() {
    const { stage } = workspace;
    element.hidden = stage.kind === "file";
    const isOver =
      stage.kind === "draft"
        ? !proposal.drafts.has(stage.name)
        : stage.kind === "review" && review.loaded && !review.find(stage.id);
    if (isOver) return workspace.set({ stage: { kind: "file" } });
    if (stage.kind === "file") {
      serial++;
      shown = null;
      return clear();
    }
    const source =
      stage.kind === "draft" ? proposal.drafts.get(stage.name) : project.entries.get(stage.name);
    if (shown && isSame(shown.stage, stage) && shown.source === source) return;
    const isOther = !shown || !isSame(shown.stage, stage);
    shown = { stage, source };
    const mine = ++serial;
    if (isOther) {
      state = "loading";
      clear();
      draw();
    }
    try {
      const compared = stage.kind === "draft" ? ownEdit(stage.name) : await proposed(stage);
      if (mine !== serial) return;
      state = compared ?? "failed";
    } catch {
      if (mine !== serial) return;
      state = "failed";
      shown = null;
    }
    build(stage.name);
    draw();
  }

  /** @param {string} name @returns {Compared | null} */
  function ownEdit(name) {
    const draft = proposal.drafts.get(name);
    if (!draft) return null;
    const { base, before, after } = draft;
    return {
      before: base === null ? null : version(before),
      after: after === null ? null : version(after),
      moved: false,
    };
  }

  /** @param {{ id: string, name: string }} of @returns {Promise<Compared | null>} */
  async function proposed({ id, name }) {
    if (!review.find(id)) return null;
    const { before, after, moved } = await review.compare(id, name);
    const of = (/** @type {import("../review.js").Side | null} */ side) =>
      side && { text: side.text === null ? null : normalised(side.text), size: side.bytes.length };
    return { before: of(before), after: of(after), moved };
  }

  /** Makes the view of the two texts, in one or two columns. @param {string} name */
  function build(name) {
    const top = body.scrollTop;
    clear();
    if (typeof state === "string" || !isText(state) || isEqual(state)) return;
    view = compare({
      name,
      before: state.before?.text ?? null,
      after: state.after?.text ?? null,
      root,
      inOne: unified || narrow.matches,
    });
    body.classList.toggle("split", view instanceof MergeView);
    body.scrollTop = top;
  }

  function rebuild() {
    if (workspace.stage.kind !== "file") build(workspace.stage.name);
    draw();
  }

  /** Goes to the next (1) or previous (-1) difference. @param {1 | -1} by */
  function step(by) {
    const target = newer();
    if (!target || element.hidden || !getChunks(target.state)?.chunks.length) return false;
    return (by > 0 ? goToNextChunk : goToPreviousChunk)(target);
  }

  /** @param {import("../review.js").Proposed} of @param {string} name @param {1 | -1} by */
  function stepFile(of, name, by) {
    const names = review.names(of);
    const next = names.at((names.indexOf(name) + by) % names.length);
    if (next) workspace.show({ kind: "review", id: of.id, name: next });
  }

  const crumbs = (/** @type {string} */ name) =>
    html`<bdi class="path" title=${visible(name)}>${visible(name.slice(1))}</bdi>`;

  const ownBar = (/** @type {string} */ name) => html`
    ${crumbs(name)} <span class="facts">${texts.own}</span>
    <span class="actions">
      ${layoutButtons()}
      ${
        proposal.textOf(name) === undefined
          ? nothing
          : html`<button class="button quiet" @click=${() => edit(name)}>${editIcon}<span
            >${texts.edit}</span></button>`
      }
      ${backButton()}
    </span>`;

  const reviewBar = (/** @type {string} */ id, /** @type {string} */ name) => {
    const of = review.find(id);
    if (!of) return html`${crumbs(name)}<span class="actions">${backButton()}</span>`;
    const names = review.names(of);
    return html`
      ${crumbs(name)} <span class="facts">${texts.proposed(of.owner)}
        ${names.length > 1
          ? html` · ${texts.position(names.indexOf(name) + 1, names.length)}`
          : nothing}</span>
      ${typeof state !== "string" && state.moved
        ? html`<span class="badge warn" title=${texts.movedWhy}>${texts.moved}</span>`
        : nothing}
      <span class="actions">
        <label class="seen"><input type="checkbox" .checked=${review.isTicked(id, name)}
          @change=${(/** @type {any} */ event) => review.tick(id, name, event.target.checked)}
          >${texts.seen}</label>
        ${
          names.length > 1
            ? html`<button class="icon-button" title=${texts.previousFile} aria-label=${texts.previousFile}
                @click=${() => stepFile(of, name, -1)}>‹</button>
              <button class="icon-button" title=${texts.nextFile} aria-label=${texts.nextFile}
                @click=${() => stepFile(of, name, 1)}>›</button>`
            : nothing
        }
        ${layoutButtons()} ${backButton()}
      </span>`;
  };

  const layoutButtons = () => {
    if (!view || typeof state === "string" || state.before === null || state.after === null)
      return nothing;
    return html`
      <button class="icon-button" title="${texts.previous} (k)" aria-label=${texts.previous}
        @click=${() => step(-1)}>↑</button>
      <button class="icon-button" title="${texts.next} (j)" aria-label=${texts.next}
        @click=${() => step(1)}>↓</button>
      ${
        !narrow.matches
          ? html`<button class="button quiet" aria-pressed=${String(unified)} @click=${() => {
              unified = !unified;
              rebuild();
            }}>${texts.unified}</button>`
          : nothing
      }`;
  };

  const backButton =
    () => html`<button class="icon-button" title="${texts.back} (Esc)" aria-label=${texts.back}
    @click=${() => workspace.show({ kind: "file" })}>${closeIcon}</button>`;

  const message = () => {
    if (state === "loading") return html`<p class="hint">${texts.loading}</p>`;
    if (state === "failed") return html`<p class="hint">${texts.failed}</p>`;
    const size = (/** @type {Version | null} */ side) =>
      side ? sizeText(side.size) : texts.nothing;
    return html`
      ${state.moved && workspace.stage.kind === "review"
        ? html`<p class="note warn">${texts.movedWhy}</p>`
        : nothing}
      ${state.after === null ? html`<p class="note removed">${texts.deleted}</p>` : nothing}
      ${state.before === null && state.after !== null
        ? html`<p class="note added">${texts.added}</p>`
        : nothing}
      ${
        isText(state)
          ? isEqual(state)
            ? html`<p class="hint">${texts.same}</p>`
            : nothing
          : html`<p class="hint">${texts.bytes(size(state.before), size(state.after))}</p>`
      }`;
  };

  const template = () => {
    const { stage } = workspace;
    if (stage.kind === "file") return nothing;
    return html`
      <div class="difference-bar"
        >${stage.kind === "draft" ? ownBar(stage.name) : reviewBar(stage.id, stage.name)}</div>
      <div class="difference-notes">${message()}</div>`;
  };
  const draw = region(head, template, workspace, review, proposal, session);
  const later = () => requestAnimationFrame(() => void refresh());
  for (const model of [workspace, proposal, review, project]) model.subscribe(later);
  narrow.addEventListener("change", rebuild);
  void refresh();
  return { step };
}

/** @param {Stage} one @param {Stage} other */
function isSame(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** @param {string | null} text @returns {Version} */
function version(text) {
  return { text: text === null ? null : normalised(text), size: text?.length ?? 0 };
}

/** @param {Compared} compared */
function isText({ before, after }) {
  return before?.text !== null && after?.text !== null;
}

/** @param {Compared} compared */
function isEqual({ before, after }) {
  return before !== null && after !== null && before.text === after.text;
}
