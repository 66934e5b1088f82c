// The bar at the top: which project this is, whether it is live, who the viewer is. And the foot:
// how large it is, and how recent.
import { html, nothing } from "../../vendor/lit-html.js";
import { baseName, visible } from "../names.js";
import * as texts from "../texts.js";
import {
  autoIcon, chatIcon, downloadIcon, eyeIcon, helpIcon, moonIcon, personIcon, sunIcon,
} from "./icons.js";
import { region } from "./region.js";
import { nextTheme, theme } from "./theme.js";

/** @typedef {import("../session.js").Session} Session */
/** @typedef {import("../workspace.js").Workspace} Workspace */

/** How often "12 s ago" is updated. */
const TICK_MS = 5000;

/** The pill's colour and words. @param {Session} session @param {string} connection */
function pillOf(session, connection) {
  const { phase, live, streamer } = session;
  if (phase === "denied" || phase === "refused") {
    return { tone: "bad", word: texts.bar.refused, hint: session.refusal };
  }
  if (phase === "lost" || (phase !== "connecting" && connection !== "open")) {
    return { tone: "warn", word: texts.bar.lost, hint: "" };
  }
  if (phase === "connecting") return { tone: "plain", word: texts.bar.connecting, hint: "" };
  if (phase === "missing") return { tone: "plain", word: texts.bar.waiting, hint: "" };
  if (live) return { tone: "live", word: texts.bar.live, hint: texts.bar.liveHint(streamer) };
  return { tone: "plain", word: texts.bar.away, hint: texts.bar.awayHint(streamer) };
}

/**
 * @param {HTMLElement} element
 * @param {{ session: Session, connection: import("../connection.js").Connection, workspace: Workspace,
 *   unread: () => number, unreadOf: import("../observable.js").Observable[], skip: () => void }} models
 */
export function mountBar(element, { session, connection, workspace, unread, unreadOf, skip }) {
  const redraw = region(element, template, session, connection, workspace, ...unreadOf);

  function template() {
    const pill = pillOf(session, connection.state);
    const isIn = session.phase === "ready";
    return html`
      <button class="skip" @click=${skip}>${texts.bar.skip}</button>
      <a class="home" href="/" aria-label=${texts.bar.home} title=${texts.bar.home}
        ><img src="/-/viewer/icon.svg" alt="" width="22" height="22"></a>
      <h1><bdi class="streamer">${visible(session.streamer)}</bdi><span class="slash">/</span
        ><bdi class="project">${visible(session.project)}</bdi></h1>
      <span class="pill" role="status" data-tone=${pill.tone} title=${pill.hint}><span class="lamp"
        ></span>${pill.word}</span>
      ${isIn && session.viewers > 0
        ? html`<span class="watching" title=${texts.bar.watching(session.viewers)}>${eyeIcon}<span
            class="wide-only">${texts.bar.watching(session.viewers)}</span><span class="narrow-only"
              >${session.viewers}</span></span>`
        : nothing}
      <span class="gap"></span>
      ${youTemplate()}
      ${isIn
        ? html`<button class="button quiet wide-only" @click=${() => workspace.set({ dialog: "take" })}
          >${downloadIcon}<span>${texts.bar.take}</span></button>`
        : nothing}
      <button class="icon-button" title=${texts.bar.theme[theme()]} aria-label=${texts.bar.theme[theme()]}
        @click=${turn}
        >${{ auto: autoIcon, light: sunIcon, dark: moonIcon }[theme()]}</button>
      <button class="icon-button wide-only" title="${texts.bar.help} (?)" aria-label=${texts.bar.help}
        @click=${() => workspace.set({ dialog: "help" })}>${helpIcon}</button>
      <button class="icon-button drawer-toggle" title=${texts.bar.panel} aria-label=${texts.bar.panel}
        aria-expanded=${String(workspace.drawer)} aria-controls="panel"
        @click=${() => workspace.set({ drawer: !workspace.drawer })}
        >${chatIcon}${unread() > 0 ? html`<span class="dot"></span>` : nothing}</button>`;
  }

  function youTemplate() {
    const { name, stream } = session.you;
    const open = () => workspace.set({ dialog: "entry" });
    if (name !== null && !session.mayJoin) {
      return html`<button class="button quiet you" title=${texts.bar.youHint(name)} @click=${open}>
        ${personIcon}<span class="visually-hidden">${texts.bar.youAre}</span><bdi>${visible(name)}</bdi>
        ${stream ? html`<span class="badge">${texts.bar.streaming}</span>` : nothing}</button>`;
    }
    if (!session.mayJoin) return nothing;
    return html`<button class="button join" @click=${open}>${personIcon}<span
      >${texts.bar.join}</span></button>`;
  }

  function turn() {
    nextTheme();
    redraw();
  }
}

/**
 * @param {HTMLElement} element
 * @param {{ session: Session, project: import("../project.js").Project, workspace: Workspace }} models
 */
export function mountFoot(element, { session, project, workspace }) {
  /** How many files changed while the page was hidden. */
  let missed = 0;
  const unseen = new Set();
  const redraw = region(element, template, session, project);
  setInterval(() => document.visibilityState === "visible" && redraw(), TICK_MS);
  project.onChange(({ name }) => {
    if (document.visibilityState === "hidden") unseen.add(name);
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") {
      unseen.clear();
      return;
    }
    missed = unseen.size;
    redraw();
  });

  function template() {
    const { last } = project;
    return html`
      <span>${project.loaded ? texts.foot.files(project.entries.size) : nothing}</span>
      ${last
        ? html`<button class="last" @click=${() => workspace.open(last.name)} title=${visible(last.name)}
          >${texts.foot.last(texts.ago(last.at, Date.now()))}<bdi
            >${visible(baseName(last.name))}</bdi></button>`
        : nothing}
      <span class="gap"></span>
      ${missed > 0 ? html`<span>${texts.foot.whileAway(session.streamer, missed)}</span>` : nothing}`;
  }
}
