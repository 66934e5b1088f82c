/**
 * Builds page/vendor from the packages that package-lock.json names: `npm ci`, then `node build.mjs`. The
 * same packages give the same bytes, wherever this folder is. page/vendor is committed, so that Cargo needs
 * no Node.
 */
import { build } from "esbuild";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { entry, languages } from "./languages.mjs";

const here = import.meta.dirname;
const target = path.join(here, "../page/vendor");

/** The entries of `entries/`, and of each language one that is made up here. */
const written = (await readdir(path.join(here, "entries"))).sort();
const entryPoints = [
  ...written.map((file) => ({ in: `entries/${file}`, out: path.parse(file).name })),
  ...Object.keys(languages).map((name) => ({ in: `language:${name}`, out: `languages/${name}` })),
];

/** @type {import("esbuild").Plugin} */
const languageEntries = {
  name: "languages",
  setup(plugin) {
    plugin.onResolve({ filter: /^language:/ }, ({ path: name }) => ({
      path: name.slice("language:".length),
      namespace: "language",
    }));
    plugin.onLoad({ filter: /.*/, namespace: "language" }, ({ path: name }) => ({
      contents: entry(name),
      resolveDir: here,
    }));
  },
};

/** The folder of a package, for a file within it. @param {string} input */
function packageOf(input) {
  const parts = input.split("/");
  const start = parts.lastIndexOf("node_modules") + 1;
  if (start === 0) return null;
  const length = parts[start].startsWith("@") ? 2 : 1;
  return parts.slice(0, start + length).join("/");
}

/** Every bundled package with its version and licence, in full. @param {string[]} folders */
async function notices(folders) {
  const texts = [];
  for (const folder of folders) {
    const { name, version, license } = JSON.parse(
      await readFile(path.join(here, folder, "package.json"), "utf8"),
    );
    const file = (await readdir(path.join(here, folder))).find((each) =>
      /^licen[cs]e(\.|$)/i.test(each),
    );
    if (!file) throw new Error(`${name} has no licence file`);
    const text = (await readFile(path.join(here, folder, file), "utf8"))
      .replaceAll("\r\n", "\n")
      .trim();
    texts.push(`${name} ${version} (${license})\n\n${text}\n`);
  }
  const head = "The page uses these packages. Each is followed by its licence.\n";
  return [head, ...texts].join(`\n${"-".repeat(80)}\n\n`);
}

/**
 * Types for tsc, which finds the packages themselves in this folder's node_modules (jsconfig.json): the
 * values that an entry hands on, and all types of their packages. Queries are for the bundler alone.
 *
 * @param {string} entry
 */
function types(entry) {
  const exports = entry.replace(/^\/\/.*\n/gm, "").replaceAll(/\?\w+"/g, '"');
  const packages = new Set([...exports.matchAll(/from "([^"]+)"/g)].map((match) => match[1]));
  const all = [...packages].map((name) => `export type * from "${name}";\n`);
  return exports + all.join("");
}

const result = await build({
  absWorkingDir: here,
  bundle: true,
  chunkNames: "shared-[hash]",
  entryPoints,
  format: "esm",
  legalComments: "none",
  metafile: true,
  minify: true,
  outdir: target,
  platform: "browser",
  plugins: [languageEntries],
  splitting: true,
  target: "es2022",
  write: false,
});

const folders = new Set();
for (const { inputs } of Object.values(result.metafile.outputs)) {
  for (const [input, { bytesInOutput }] of Object.entries(inputs)) {
    const folder = packageOf(input);
    if (folder && bytesInOutput > 0) folders.add(folder);
  }
}

const files = new Map(result.outputFiles.map((file) => [file.path, Buffer.from(file.contents)]));
for (const file of written) {
  const text = types(await readFile(path.join(here, "entries", file), "utf8"));
  files.set(path.join(target, `${path.parse(file).name}.d.ts`), Buffer.from(text));
}
files.set(path.join(target, "NOTICES.txt"), Buffer.from(await notices([...folders].sort())));

// What is the same stays untouched, so that Cargo has nothing to build anew.
await mkdir(path.join(target, "languages"), { recursive: true });
for (const found of await readdir(target, { recursive: true, withFileTypes: true })) {
  const file = path.join(found.parentPath, found.name);
  if (found.isFile() && !files.has(file)) await rm(file);
}
for (const [file, contents] of files) {
  const old = await readFile(file).catch(() => null);
  if (!old?.equals(contents)) await writeFile(file, contents);
}

const bytes = result.outputFiles.reduce((sum, file) => sum + file.contents.length, 0);
console.log(`${result.outputFiles.length} files, ${bytes} bytes, ${folders.size} packages`);
