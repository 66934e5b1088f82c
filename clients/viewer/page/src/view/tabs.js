// The tabs above the code, and the bar with the file's name and what can be done with it.
import { classMap, html, nothing, repeat } from "../../vendor/lit-html.js";
import { baseName, folderOf, sizeText, visible, writeFragment } from "../names.js";
import * as texts from "../texts.js";
import { copyText } from "./clipboard.js";
import { closeIcon, downloadIcon, editIcon, followIcon, linkIcon, wrapIcon } from "./icons.js";
import { region } from "./region.js";
import { saveBlob } from "./save.js";

/** @typedef {import("../workspace.js").Tab} Tab */

/**
 * @param {HTMLElement} element
 * @param {{ workspace: import("../workspace.js").Workspace, project: import("../project.js").Project,
 *   isEdited: (name: string) => boolean, edits: import("../observable.js").Observable }} models
 */
export function mountTabs(element, { workspace, project, isEdited, edits }) {
  /** @type {string | null} */
  let seen = null;
  /** Whether the focus must move to the active tab after the next render. */
  let focusNext = false;

  region(element, template, workspace, project, edits);
  workspace.subscribe(() => requestAnimationFrame(settle));

  function template() {
    if (workspace.tabs.length === 0) return nothing;
    return html`<div class="tabs" role="tablist" aria-label=${texts.stage.tabs} @keydown=${onKey}
      @wheel=${onWheel}>
      ${repeat(workspace.tabs, ({ name }) => name, tabTemplate)}
    </div>`;
  }

  /** @param {Tab} tab */
  function tabTemplate({ name, kept }) {
    const isActive = name === workspace.active;
    const gone = project.loaded && !project.entries.has(name) && !isEdited(name);
    const classes = { tab: true, active: isActive, preview: !kept, gone };
    return html`<div class=${classMap(classes)} role="presentation"
      @auxclick=${(/** @type {MouseEvent} */ event) =>
      event.button === 1 && workspace.close(name)}>
      <button role="tab" data-name=${name} aria-selected=${String(isActive)} aria-controls="code"
        tabindex=${isActive ? 0 : -1}
        title=${kept ? visible(name) : `${visible(name)} · ${texts.stage.preview}`}
        @click=${() => workspace.open(name)} @dblclick=${() => workspace.open(name, { keep: true })}
      ><bdi>${visible(baseName(name))}</bdi>${labelAbove(name)}${isEdited(name)
        ? html`<span class="edited">${editIcon}</span>`
        : nothing}${!isActive && project.touched.has(name)
        ? html`<span class="dot" role="img" aria-label=${texts.files.changed}></span>`
        : nothing}</button>
      <button class="tab-close" tabindex="-1" aria-hidden="true" title=${texts.stage.closeHint}
        @click=${() => workspace.close(name)}>${closeIcon}</button>
    </div>`;
  }

  /** The folder, if two open files have the same name. @param {string} name */
  function labelAbove(name) {
    const base = baseName(name);
    const twins = workspace.tabs.some((other) => other.name !== name && baseName(other.name) === base);
    return twins ? html`<bdi class="tab-folder"
      >${visible(folderOf(name).slice(1, -1) || "/")}</bdi>` : nothing;
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    if (event.key === "Delete" && workspace.active) workspace.close(workspace.active);
    else if (event.key === "ArrowRight") workspace.step(1);
    else if (event.key === "ArrowLeft") workspace.step(-1);
    else if (event.key === "Home") workspace.open(workspace.tabs[0].name);
    else if (event.key === "End") workspace.open(workspace.tabs[workspace.tabs.length - 1].name);
    else return;
    focusNext = true;
    event.preventDefault();
    event.stopPropagation();
  }

  /** A mouse wheel scrolls the tabs sideways. @param {WheelEvent} event */
  function onWheel(event) {
    if (event.deltaX === 0) /** @type {HTMLElement} */ (event.currentTarget).scrollLeft += event.deltaY;
  }

  /** Keeps the active tab in sight, and restores the focus if a tab had it. */
  function settle() {
    const tab = /** @type {HTMLElement | null} */ (element.querySelector("[aria-selected=true]"));
    if (focusNext) tab?.focus();
    focusNext = false;
    if (seen === workspace.active) return;
    seen = workspace.active;
    tab?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
}

/**
 * What can be done with the file on the stage. `edits` may start an edit of it.
 * @param {HTMLElement} element
 * @param {{ workspace: import("../workspace.js").Workspace, project: import("../project.js").Project,
 *   active: import("../active.js").ActiveFile, session: import("../session.js").Session,
 *   notices: import("../notices.js").Notices, isEdited: (name: string) => boolean, mayEdit: () => boolean,
 *   edit: () => void, discard: (name: string) => void, edits: import("../observable.js").Observable }} models
 */
export function mountFileBar(element, models) {
  const { workspace, project, active, session, notices, isEdited, mayEdit, edit, discard, edits } = models;
  region(element, template, workspace, project, active, session, edits);

  function template() {
    const { name, status } = active;
    if (name === null || workspace.stage.kind !== "file") return name === null ? followTemplate() : nothing;
    const entry = project.entries.get(name);
    const isEdit = isEdited(name);
    return html`
      <div class="crumbs" title=${visible(name)}>
        <bdi class="folder">${visible(folderOf(name).slice(1)).replaceAll("/", " / ")}</bdi><bdi class="base"
          >${visible(baseName(name))}</bdi>
      </div>
      ${isEdit ? html`<span class="badge">${texts.stage.editing}</span>` : nothing}
      <span class="facts">${entry ? sizeText(entry.size) : nothing}${entry?.executable
        ? html` · ${texts.stage.executable}`
        : nothing}</span>
      <div class="actions">
        ${isEdit
          ? html`<button class="button quiet" @click=${() => workspace.show({ kind: "draft", name })}
            >${texts.stage.difference}</button>
              <button class="button quiet" @click=${() => discard(name)}>${texts.stage.discard}</button>`
          : nothing}
        <button class="icon-button wide-only" title="${texts.stage.wrap} (w)" aria-label=${texts.stage.wrap}
          aria-pressed=${String(workspace.wrap)}
          @click=${() => workspace.set({ wrap: !workspace.wrap })}>${wrapIcon}</button>
        <button class="icon-button wide-only" title=${texts.stage.copyLink} aria-label=${texts.stage.copyLink}
          @click=${() => void copyLink(name)}>${linkIcon}</button>
        <button class="icon-button wide-only" title=${texts.stage.download} aria-label=${texts.stage.download}
          @click=${() => void download(name)}>${downloadIcon}</button>
        ${!isEdit && mayEdit() && status === "text"
          ? html`<button class="button quiet" title="${texts.stage.edit} (e)" @click=${edit}>${editIcon}<span
            >${texts.stage.edit}</span></button>`
          : nothing}
        ${followTemplate()}
      </div>`;
  }

  function followTemplate() {
    const { following } = workspace;
    return html`<button class="button follow" aria-pressed=${String(following)}
      title=${texts.stage.followHint(session.streamer)}
      @click=${() => workspace.set({ following: !following })}
    >${followIcon}<span>${following ? texts.stage.following : texts.stage.follow}</span></button>`;
  }

  /** @param {string} name */
  async function copyLink(name) {
    const link = new URL(writeFragment(name, workspace.lines), location.href).href;
    const copied = await copyText(link);
    if (!copied) workspace.set({ following: false });
    notices.say(copied ? texts.stage.linkCopied : texts.stage.linkPlaced);
  }

  /** @param {string} name */
  async function download(name) {
    try {
      saveBlob(await project.download(name), baseName(name));
    } catch {
      notices.say(texts.preview.failed, { tone: "bad" });
    }
  }
}
