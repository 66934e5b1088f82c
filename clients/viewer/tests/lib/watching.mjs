// What people see in the page's tree and on its stage, shared by several tests.
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { PATIENCE } from "./client.mjs";

/** @typedef {import("./browser.mjs").Window} Window */

/** @param {Window} page */
export const tree = (page) => page.getByRole("tree", { name: "Files" });

/** @param {Window} page @param {string | RegExp} name */
export const row = (page, name) => tree(page).getByRole("treeitem", { name });

/** The pill next to the project's name. @param {Window} page */
export const pill = (page) => page.locator("#bar .pill");

/** @param {Window} page */
export const tabs = (page) => page.getByRole("tablist", { name: "Open files" }).getByRole("tab");

/**
 * The line of the code on the stage that contains `text`.
 * @param {Window} page
 * @param {string} text
 */
export const line = (page, text) => page.locator("#code .cm-line", { hasText: text });

/** Waits until the code on the stage contains a text. @param {Window} page @param {string} text */
export const sees = (page, text) => line(page, text).first().waitFor();

/** How far the editor is scrolled, in pixels. @param {Window} page */
export const scrolled = (page) => page.locator("#code .cm-scroller").evaluate((element) => element.scrollTop);

/** Writes files below a folder. @param {string} folder @param {Record<string, string | Uint8Array>} files */
export async function put(folder, files) {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), content);
  }
}

/** Numbered lines. @param {number} count @param {Record<number, string>} [others] */
export function lines(count, others = {}) {
  return Array.from({ length: count }, (_, at) => others[at + 1] ?? `line ${at + 1}`).join("\n") + "\n";
}

/**
 * Waits until `look` returns what is wanted; otherwise fails with what it returned last.
 * @template T
 * @param {() => Promise<T>} look
 * @param {T} wanted
 */
export async function becomes(look, wanted, patience = PATIENCE) {
  const end = Date.now() + patience;
  for (;;) {
    const got = await look();
    try {
      return assert.deepEqual(got, wanted);
    } catch (error) {
      if (Date.now() > end) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
