// The tree of names: what each folder contains, and the rows for the open folders. Text only.
import { baseName, compareNames, folderOf } from "./names.js";

/** @typedef {{ folders: Set<string>, files: Set<string>, sorted: string[] | null }} Folder */
/**
 * `name` of a folder ends in `/`.
 * @typedef {{ name: string, depth: number, position: number, siblings: number }} Row
 */

/** Folders with more names than this are not sorted in natural order: that would take too long. */
const MAX_COLLATED = 5000;

/** All names of a project, as folders. */
export class Folders {
  /** @type {Map<string, Folder>} */
  #folders = new Map([["/", newFolder()]]);
  /** Counts changes of the tree. */
  version = 0;

  /** @param {string} file */
  add(file) {
    let folder = folderOf(file);
    const entry = this.#folders.get(folder);
    if (entry) {
      if (entry.files.has(file)) return;
      entry.files.add(file);
      entry.sorted = null;
    } else {
      this.#folders.set(folder, { folders: new Set(), files: new Set([file]), sorted: null });
      while (folder !== "/") {
        const above = folderOf(folder.slice(0, -1));
        const parent = this.#folders.get(above);
        if (parent) {
          parent.folders.add(folder);
          parent.sorted = null;
          break;
        }
        this.#folders.set(above, { folders: new Set([folder]), files: new Set(), sorted: null });
        folder = above;
      }
    }
    this.version++;
  }

  /** @param {string} file */
  delete(file) {
    let name = folderOf(file);
    let folder = this.#folders.get(name);
    if (!folder?.files.delete(file)) return;
    folder.sorted = null;
    while (name !== "/" && folder && folder.files.size + folder.folders.size === 0) {
      this.#folders.delete(name);
      const above = folderOf(name.slice(0, -1));
      folder = this.#folders.get(above);
      folder?.folders.delete(name);
      if (folder) folder.sorted = null;
      name = above;
    }
    this.version++;
  }

  /** What is directly in a folder: folders first. @param {string} name @returns {string[]} */
  children(name) {
    const folder = this.#folders.get(name);
    if (!folder) return [];
    folder.sorted ??= [...sorted(folder.folders), ...sorted(folder.files)];
    return folder.sorted;
  }

  /**
   * The rows of the tree if these folders are open.
   * @param {ReadonlySet<string>} open
   * @returns {Row[]}
   */
  rows(open) {
    /** @type {Row[]} */
    const rows = [];
    const walk = (/** @type {string} */ above, /** @type {number} */ depth) => {
      const children = this.children(above);
      for (let at = 0; at < children.length; at++) {
        const name = children[at];
        rows.push({ name, depth, position: at + 1, siblings: children.length });
        if (name.endsWith("/") && open.has(name)) walk(name, depth + 1);
      }
    };
    walk("/", 0);
    return rows;
  }
}

/** @returns {Folder} */
function newFolder() {
  return { folders: new Set(), files: new Set(), sorted: null };
}

/** @param {Set<string>} names */
function sorted(names) {
  return [...names].sort(names.size > MAX_COLLATED ? undefined : compareNames);
}

/** The folders above a name, from the top. @param {string} name */
export function foldersAbove(name) {
  const above = [];
  for (let at = name.indexOf("/", 1); at > 0; at = name.indexOf("/", at + 1)) {
    above.push(name.slice(0, at + 1));
  }
  return above.filter((each) => each !== name);
}

/** The label of a row: the last segment, without the `/` of a folder. @param {string} name */
export function rowLabel(name) {
  return baseName(name.endsWith("/") ? name.slice(0, -1) : name);
}
