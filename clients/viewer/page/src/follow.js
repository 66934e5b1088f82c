// Follows the streamer: to where they look, if their editor says so, or otherwise to the last
// change. Touches no element.

/** @typedef {import("./project.js").Project} Project */
/** @typedef {import("./session.js").Session} Session */
/** @typedef {import("./workspace.js").Workspace} Workspace */

/** During many changes, the file on screen changes at most this often. */
const CALM_MS = 350;
/** For so long after an editor has told its place, that counts more than changes. */
const FOCUS_COUNTS_MS = 120_000;

/** Opens what the streamer is working on, as long as the viewer follows. */
export class Follow {
  #project;
  #workspace;
  /** @type {{ name: string, line: number | null } | null} */
  #next = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #focus = { name: "", at: -Infinity };
  #opened = -Infinity;
  #wasFollowing = true;
  /**
   * Where the streamer was last, whether followed or not.
   * @type {{ name: string, line: number | null } | null}
   */
  #place = null;

  /**
   * @param {import("./connection.js").Connection} connection
   * @param {Project} project
   * @param {Workspace} workspace
   */
  constructor(connection, project, workspace) {
    this.#project = project;
    this.#workspace = workspace;
    connection.on("focusChanged", ({ data }) => {
      this.#focus = { name: data.name, at: performance.now() };
      this.#go(data.name, data.line ?? null);
    });
    project.onChange(({ name, after }) => {
      const focused = performance.now() - this.#focus.at < FOCUS_COUNTS_MS && name !== this.#focus.name;
      if (after !== null && !focused && project.loaded) this.#go(name, null);
    });
    workspace.subscribe(() => {
      const begins = workspace.following && !this.#wasFollowing;
      this.#wasFollowing = workspace.following;
      if (begins && this.#place) this.#go(this.#place.name, this.#place.line);
    });
    project.subscribe(() => this.#first());
    this.#first();
  }

  /** If nothing is open when the project has been listed, opens the file that changed last. */
  #first() {
    const { loaded, entries } = this.#project;
    if (!loaded || !this.#workspace.following || this.#workspace.active !== null || this.#place) return;
    let newest = "";
    let at = -Infinity;
    for (const [name, { modified, size }] of entries) {
      if (modified > at && size > 0 && size <= 1024 * 1024) [newest, at] = [name, modified];
    }
    if (newest) this.#go(newest, null);
  }

  /** @param {string} name @param {number | null} line */
  #go(name, line) {
    this.#place = { name, line };
    if (!this.#workspace.following) return;
    this.#next = this.#place;
    if (this.#timer !== undefined) return;
    const wait = Math.max(0, this.#opened + CALM_MS - performance.now());
    if (wait === 0) this.#open();
    else this.#timer = setTimeout(() => this.#open(), wait);
  }

  #open() {
    this.#timer = undefined;
    const next = this.#next;
    this.#next = null;
    if (!next || !this.#workspace.following || !this.#project.entries.has(next.name)) return;
    this.#opened = performance.now();
    const lines = next.line ? { from: next.line, to: next.line } : null;
    this.#workspace.open(next.name, { lines, follow: true });
  }
}
