// The page names its parts correctly, and requests the libraries before its own modules import
// them.
import test from "node:test";
import assert from "node:assert/strict";
import { access, readFile } from "node:fs/promises";
import path from "node:path";

const page = path.join(import.meta.dirname, "../page");

test("the document names parts that are there, and asks at once for the libraries that every view needs", async () => {
  const document = await readFile(path.join(page, "index.html"), "utf8");
  const named = [...document.matchAll(/(?:href|src)="\/-\/viewer\/([^"]+)"/g)].map((match) => match[1]);
  for (const part of named) await access(path.join(page, part));
  const preloaded = named.filter((part) => part.startsWith("vendor/"));
  const needed = new Set();
  const look = async (/** @type {string} */ part) => {
    if (needed.has(part)) return;
    needed.add(part);
    const text = await readFile(path.join(page, part), "utf8");
    for (const [, name] of text.matchAll(/\bfrom\s*"(\.\/[^"]+)"/g)) await look(path.join(path.dirname(part), name));
  };
  for (const library of ["codemirror", "diff", "lit-html", "sha256"]) await look(`vendor/${library}.js`);
  assert.deepEqual(preloaded.sort(), [...needed].sort());
});
