// What is on this viewer's screen: tabs, stage, panel, and whether they follow the streamer. No
// network.
import { Observable } from "./observable.js";

/** @typedef {{ name: string, kept: boolean }} Tab */
/**
 * What the stage shows: the active tab's file; the viewer's own edit next to its base (`draft`); or
 * a file of a proposal next to the project's (`review`).
 * @typedef {{ kind: "file" } | { kind: "draft", name: string } | { kind: "review", id: string, name: string
 *   }} Stage
 */
/** @typedef {{ from: number, to: number }} Lines first and last line, from 1 */

const MAX_TABS = 100;

/** Tabs, stage and panels. Views call its methods; it touches no element. */
export class Workspace extends Observable {
  /** @type {Tab[]} */
  tabs = [];
  /** @type {string | null} name of the active tab's file */
  active = null;
  /** @type {Stage} */
  stage = { kind: "file" };
  /** @type {"chat" | "proposals"} */
  panel = "chat";
  /** Whether the panel's drawer is open, if the window is too narrow for a permanent panel. */
  drawer = false;
  /** @type {"files" | "code" | "panel"} which one of the places a phone shows */
  place = "code";
  following = true;
  /** The lines that the address names, in the active file. @type {Lines | null} */
  lines = null;
  /** The dialog that is open. @type {null | "palette" | "help" | "entry" | "take" | "moderation"} */
  dialog = null;
  wrap = false;
  /** Whether single keys do anything (WCAG 2.1.4). */
  singleKeys = true;
  /**
   * @type {{ name: string, lines: Lines | null, focus: boolean, follow: boolean, serial: number } | null} the
   *   last wish to see a place
   */
  wish = null;
  #serial = 0;

  /**
   * Shows a file. A preview tab gives way to the next one; a kept tab stays.
   * @param {string} name
   * @param {{ keep?: boolean, lines?: Lines | null, focus?: boolean, follow?: boolean }} [options]
   */
  open(name, { keep = false, lines = null, focus = false, follow = false } = {}) {
    const tab = this.tabs.find((each) => each.name === name);
    if (tab) {
      if (keep) this.tabs = this.tabs.map((each) => (each === tab ? { name, kept: true } : each));
    } else {
      const preview = this.tabs.findIndex((each) => !each.kept);
      if (!keep && preview >= 0) this.tabs = this.tabs.with(preview, { name, kept: false });
      else this.tabs = [...this.tabs, { name, kept: keep }];
      if (this.tabs.length > MAX_TABS) this.tabs = this.tabs.slice(1);
    }
    this.active = name;
    this.stage = { kind: "file" };
    this.wish = { name, lines, focus, follow, serial: ++this.#serial };
    if (!follow) this.lines = lines;
    if (!follow) {
      this.following = false;
      this.place = "code";
      this.drawer = false;
    }
    this.changed();
  }

  /** @param {string} name */
  close(name) {
    const at = this.tabs.findIndex((tab) => tab.name === name);
    if (at < 0) return;
    this.tabs = this.tabs.toSpliced(at, 1);
    if (this.active === name) {
      this.active = this.tabs[Math.min(at, this.tabs.length - 1)]?.name ?? null;
      this.stage = { kind: "file" };
    }
    this.changed();
  }

  /** Activates the previous (-1) or next (1) tab, wrapping around. @param {-1 | 1} by */
  step(by) {
    const at = this.tabs.findIndex((tab) => tab.name === this.active);
    const next = this.tabs.at((at + by) % (this.tabs.length || 1));
    if (next) this.open(next.name);
  }

  /**
   * Shows a difference on the stage; `{ kind: "file" }` returns to the file.
   * @param {Stage} stage
   */
  show(stage) {
    this.stage = stage;
    if (stage.kind !== "file") this.following = false;
    this.place = "code";
    this.drawer = false;
    this.changed();
  }

  /** Brings the chat or the proposals to the front. @param {"chat" | "proposals"} panel */
  openPanel(panel) {
    this.panel = panel;
    this.drawer = true;
    this.place = "panel";
    this.changed();
  }

  /**
   * @param {Partial<Pick<Workspace, "stage" | "drawer" | "place" | "following" | "wrap" | "singleKeys" |
   *   "lines" | "dialog">>} values
   */
  set(values) {
    Object.assign(this, values);
    this.changed();
  }
}
