// The file on the stage: whether it exists, and what kind of content it has. Reads it when
// necessary. Touches no element.
import { ConnectionLost } from "./connection.js";
import { Observable } from "./observable.js";
import { Gone, TooLarge } from "./project.js";

/** @typedef {import("./contents.js").Content} Content */
/** @typedef {"none" | "loading" | "text" | "binary" | "tooLarge" | "gone" | "failed"} Status */

/** The active tab's file. */
export class ActiveFile extends Observable {
  /** @type {string | null} */
  name = null;
  /** @type {Status} */
  status = "none";
  /** @type {Content | null} */
  content = null;

  #project;
  #isReading = false;

  /** @param {import("./project.js").Project} project @param {import("./workspace.js").Workspace} workspace */
  constructor(project, workspace) {
    super();
    this.#project = project;
    workspace.subscribe(() => {
      project.want(workspace.tabs.map((tab) => tab.name), workspace.active);
      if (workspace.active !== this.name) this.#turnTo(workspace.active);
    });
    project.subscribe(() => {
      if (this.status === "loading") this.#read();
    });
    project.onChange(({ name, after }) => {
      if (name !== this.name) return;
      if (after) this.#has(after);
      else if (after === null) this.#is("gone");
      else this.#read();
    });
  }

  /** Tries again to read a file that could not be read. */
  again() {
    this.#is("loading");
    this.#read();
  }

  /** @param {string | null} name */
  #turnTo(name) {
    this.name = name;
    this.content = null;
    this.status = name === null ? "none" : "loading";
    this.#isReading = false;
    const held = name === null ? undefined : this.#project.held(name);
    if (held) this.#has(held);
    else this.changed();
    if (name !== null) this.#read();
  }

  #read() {
    const name = this.name;
    // Until the project has been listed, it is not known which files are missing.
    if (name === null || this.#isReading || !this.#project.loaded) return;
    this.#isReading = true;
    this.#project.read(name).then(
      (content) => {
        if (name !== this.name) return;
        this.#isReading = false;
        if (content !== this.content) this.#has(content);
        if (content.stale) this.#read();
      },
      (error) => {
        if (name !== this.name) return;
        this.#isReading = false;
        if (error instanceof TooLarge) this.#is("tooLarge");
        else if (error instanceof Gone) this.#is("gone");
        else if (!(error instanceof ConnectionLost)) this.#is("failed");
      },
    );
  }

  /** @param {Content} content */
  #has(content) {
    this.content = content;
    this.status = content.text === null ? "binary" : "text";
    this.#project.seen(/** @type {string} */ (this.name));
    this.changed();
  }

  /** @param {Status} status */
  #is(status) {
    this.status = status;
    this.content = null;
    this.changed();
  }
}
