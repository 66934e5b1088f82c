// A viewer's side of the proposals: their edits, the form to send them, and the state of sent ones.
import { html, live, nothing, repeat } from "../../vendor/lit-html.js";
import { isChange, kindOf, nameProblem } from "../draft.js";
import { baseName, visible } from "../names.js";
import { kinds, letters, propose as texts } from "../panel-texts.js";
import { ago } from "../texts.js";
import { baseOf, discard, edit, joinButton, notAllowed, offerUndo } from "./edits.js";
import { closeIcon } from "./icons.js";

/** @typedef {import("../draft.js").Draft} Draft */
/** @typedef {import("../sent.js").Sent} Sent */
/** @typedef {import("../proposal.js").Proposal} Proposal */
/** @typedef {import("../project.js").Project} Project */
/** @typedef {import("../workspace.js").Workspace} Workspace */
/** @typedef {import("../notices.js").Notices} Notices */

/**
 * The template of a viewer's proposals.
 *
 * @param {{ proposal: Proposal, sent: import("../sent.js").SentProposals, project: Project,
 *   workspace: Workspace, notices: Notices, session: import("../session.js").Session }} models
 * @param {(() => void) & { now: () => void }} draw asks for another render, or renders at once
 */
export function proposeTemplate(models, draw) {
  const { proposal, sent, project, workspace, notices, session } = models;
  /**
   * What gets a name: a new file, or the file to rename.
   * @type {{ file: string | null, value: string, problem: string } | null}
   */
  let naming = null;
  let titleMissing = false;

  const exists = (/** @type {string} */ name) => {
    const draft = proposal.drafts.get(name);
    return draft ? draft.after !== null : project.entries.has(name);
  };
  const startNaming = (/** @type {string | null} */ file) => {
    naming = { file, value: file?.slice(1) ?? "", problem: "" };
    draw.now();
    document.getElementById("naming")?.focus();
  };
  const stopNaming = () => {
    naming = null;
    draw.now();
    document.getElementById("new-file")?.focus();
  };
  /** @param {KeyboardEvent} event */
  const leaveNaming = (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    stopNaming();
  };
  /** @param {SubmitEvent} event */
  const name = async (event) => {
    event.preventDefault();
    if (!naming) return;
    const { file } = naming;
    const to = `/${naming.value.trim().replace(/^\/+/, "")}`;
    const problem = nameProblem(to, exists);
    if (problem) {
      naming.problem = texts.problems[problem];
      return draw();
    }
    if (file === null) proposal.add(to);
    else {
      const base = project.entries.has(file) ? await baseOf(project, notices, file) : null;
      if (base?.text === null) return notices.say(texts.noText, { tone: "bad" });
      if (!proposal.rename(file, to, base && { ...base, text: base.text }))
        return notices.say(texts.tooLong, { tone: "bad" });
      workspace.close(file);
    }
    stopNaming();
    workspace.open(to, { keep: true, focus: true });
  };
  const remove = async (/** @type {string} */ file) => {
    const base =
      project.entries.has(file) && !proposal.drafts.get(file)?.base
        ? await baseOf(project, notices, file)
        : null;
    const replaced = proposal.remove(file, base);
    if (!replaced) return notices.say(texts.tooLong, { tone: "bad" });
    if (proposal.drafts.has(file)) workspace.show({ kind: "draft", name: file });
    else if (!project.entries.has(file)) workspace.close(file);
    offerUndo(models, file, replaced);
  };
  const withdraw = (/** @type {Sent} */ each) =>
    sent
      .withdraw(each.id)
      .catch((error) => notices.say(texts.refused(error.message), { tone: "bad" }));
  /** @param {SubmitEvent} event */
  const send = (event) => {
    event.preventDefault();
    titleMissing = proposal.title.trim() === "";
    draw();
    if (titleMissing) /** @type {HTMLFormElement} */ (event.target).querySelector("input")?.focus();
    else void sendAll();
  };
  /** Sends the edits, and closes the files that existed only as edits. */
  const sendAll = async () => {
    const added = proposal.changes
      .filter((draft) => kindOf(draft) === "added")
      .map(({ name }) => name);
    await proposal.send();
    for (const name of added)
      if (!proposal.drafts.has(name) && !project.entries.has(name)) workspace.close(name);
  };

  const row = (/** @type {Draft} */ draft) => {
    const kind = kindOf(draft);
    const discardLabel = texts.discard(draft.name.slice(1));
    const shown = workspace.stage.kind === "draft" && workspace.stage.name === draft.name;
    const note = draft.from
      ? texts.from(draft.from.slice(1))
      : isChange(draft)
        ? ""
        : texts.unchanged;
    return html`
      <li class="file-row">
        <button class="file" aria-current=${shown ? "true" : nothing} title=${visible(draft.name)}
          @click=${() => workspace.show({ kind: "draft", name: draft.name })}>
          <span class="kind ${kind}" aria-hidden="true">${letters[kind]}</span>
          <bdi class="path">${visible(draft.name.slice(1))}</bdi>
          <span class="visually-hidden">${kinds[kind]}</span>
          ${note ? html`<span class="note">${note}</span>` : nothing}
        </button>
        <button class="icon-button" aria-label=${discardLabel} title=${discardLabel}
          @click=${() => discard(models, draft.name)}>${closeIcon}</button>
      </li>`;
  };

  const namingForm = () =>
    naming &&
    html`
    <form class="naming" @submit=${name} @keydown=${leaveNaming}>
      <label for="naming">${naming.file === null ? texts.newName : texts.renameTo}</label>
      <input id="naming" class="field mono" autocomplete="off" autocapitalize="off" spellcheck="false"
        placeholder=${texts.newPlaceholder} .value=${live(naming.value)}
        aria-invalid=${naming.problem ? "true" : nothing}
        aria-describedby=${naming.problem ? "naming-problem" : nothing}
        @input=${(/** @type {any} */ event) => naming && (naming.value = event.target.value)}>
      ${naming.problem
        ? html`<p id="naming-problem" class="problem" role="alert">${naming.problem}</p>`
        : nothing}
      <div class="row end">
        <button type="button" class="button quiet" @click=${stopNaming}>${texts.cancel}</button>
        <button class="button primary">${naming.file === null ? texts.create : texts.rename}</button>
      </div>
    </form>`;

  /** @param {string} text @param {string} label @param {() => void} run */
  const tool = (text, label, run) =>
    html`<button class="button" aria-label=${label} @click=${run}>${text}</button>`;

  const tools = () => {
    const active = workspace.active;
    const isThere = active !== null && exists(active);
    const isEdited = active !== null && proposal.textOf(active) !== undefined;
    const short = active === null ? "" : baseName(active);
    return html`
      <div class="tools">
        ${
          isThere
            ? html`<span class="tool-file" title=${visible(active)}><bdi>${visible(short)}</bdi></span>
              ${isEdited ? nothing : tool(texts.edit, texts.editFile(short), () => edit(models, active))}
              ${tool(texts.rename, texts.renameFile(short), () => startNaming(active))}
              ${tool(texts.remove, texts.removeFile(short), () => remove(active))}`
            : nothing
        }
        <button id="new-file" class="button" @click=${() => startNaming(null)}>${texts.newFile}</button>
      </div>`;
  };

  const form = () => {
    const { progress, error, changes } = proposal;
    const isReady = session.phase === "ready";
    const maySend = progress === null && changes.length > 0 && isReady && proposal.mayPropose;
    const percent = progress ? Math.floor((100 * progress.done) / Math.max(1, progress.total)) : 0;
    return html`
      <form class="send" @submit=${send}>
        <label for="proposal-title">${texts.heading}</label>
        <input id="proposal-title" class="field" maxlength="200" autocomplete="off"
          placeholder=${texts.headingPlaceholder}
          .value=${live(proposal.title)} aria-invalid=${titleMissing ? "true" : nothing}
          aria-describedby=${titleMissing ? "title-problem" : nothing}
          @input=${(/** @type {any} */ event) => {
            titleMissing = false;
            proposal.describe({ title: event.target.value });
          }}>
        ${titleMissing
          ? html`<p id="title-problem" class="problem" role="alert">${texts.needsTitle}</p>`
          : nothing}
        <label for="proposal-why">${texts.why}</label>
        <textarea id="proposal-why" class="field" rows="3" maxlength="4000"
          placeholder=${texts.whyPlaceholder}
          .value=${live(proposal.description)}
          @input=${(/** @type {any} */ event) => proposal.describe({ description: event.target.value })}
          ></textarea>
        ${error ? html`<p class="problem" role="alert">${sayError(error)}</p>` : nothing}
        ${proposal.kept ? nothing : html`<p class="hint">${texts.notKept}</p>`}
        ${
          progress
            ? html`<progress max="100" value=${percent} aria-label=${texts.sending(percent)}></progress>`
            : nothing
        }
        <button class="button primary wide" ?disabled=${!maySend}>
          ${progress ? texts.sending(percent) : texts.send(changes.length)}
        </button>
        ${session.phase === "lost" ? html`<p class="hint">${texts.isAway}</p>` : nothing}
        ${isReady && !proposal.mayPropose ? wayToSend() : nothing}
      </form>`;
  };

  /** What viewers who may not send need in order to send. */
  const wayToSend = () =>
    session.mayJoin && session.guests === "propose"
      ? html`<p class="hint">${texts.nameless}</p>${joinButton(workspace)}`
      : notAllowed(session);

  const card = (/** @type {Sent} */ each) => html`
    <li class="card">
      <p class="card-head">
        <span class="pill ${each.state}">${texts.states[each.state]}</span>
        <span class="hint"
          >${texts.files(Object.keys(each.files).length)} · ${ago(each.date, Date.now())}</span>
        ${
          each.state === "waiting"
            ? html`<button class="button quiet small" @click=${() => withdraw(each)}
              >${texts.withdraw}</button>`
            : html`<button class="icon-button" aria-label=${texts.forget(each.title)}
              title=${texts.forget(each.title)}
              @click=${() => sent.forget(each.id)}>${closeIcon}</button>`
        }
      </p>
      <h3><bdi>${visible(each.title)}</bdi></h3>
    </li>`;

  return () => html`
    <h2>${texts.title}</h2>
    ${proposal.drafts.size === 0 ? html`<p class="hint">${texts.empty}</p>` : nothing}
    ${naming ? namingForm() : tools()}
    <ul class="file-rows">${repeat(proposal.drafts.values(), ({ name }) => name, row)}</ul>
    ${proposal.drafts.size > 0 ? form() : nothing}
    ${
      sent.all.length > 0
        ? html`<h2>${texts.sent}</h2><ul class="cards">${repeat(sent.all, ({ id }) => id, card)}</ul>`
        : nothing
    }`;
}

/** @param {import("../proposal.js").SendError} error */
function sayError(error) {
  if (error.kind === "refused") return texts.refused(error.message);
  return error.kind === "lost" ? texts.lost : texts.overlong;
}
