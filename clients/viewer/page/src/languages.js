// The language of a file, by its name, and the extension that highlights it. Loaded when first
// needed.
import { baseName } from "./names.js";

/** @typedef {import("../vendor/codemirror.js").Extension} Extension */

/** Endings by language; a name with no dot before it is a whole file name. @type {Record<string, string>} */
const ENDINGS = {
  c: ".c .h",
  clojure: ".clj .cljs .cljc .edn",
  cmake: ".cmake CMakeLists.txt",
  cpp: ".cc .cpp .cxx .hpp .hh .hxx .ino .cu",
  csharp: ".cs",
  css: ".css",
  dart: ".dart",
  diff: ".diff .patch",
  dockerfile: ".dockerfile Dockerfile Containerfile",
  elm: ".elm",
  erlang: ".erl .hrl",
  go: ".go go.mod",
  groovy: ".groovy .gradle Jenkinsfile",
  haskell: ".hs",
  html: ".html .htm .xhtml .svelte .astro",
  java: ".java",
  javascript: ".js .mjs .cjs .jsx",
  json: ".json .jsonc .json5 .ipynb .webmanifest",
  julia: ".jl",
  kotlin: ".kt .kts",
  less: ".less",
  lua: ".lua",
  markdown: ".md .markdown .mdx",
  nginx: ".nginx nginx.conf",
  ocaml: ".ml .mli .fs .fsx",
  perl: ".pl .pm",
  php: ".php",
  powershell: ".ps1 .psm1",
  properties: ".properties .ini .cfg .conf .env .editorconfig .gitconfig",
  protobuf: ".proto",
  python: ".py .pyi .pyw",
  r: ".r",
  ruby: ".rb .rake .gemspec Rakefile Gemfile",
  rust: ".rs",
  sass: ".sass",
  scala: ".scala .sc .sbt",
  scss: ".scss",
  shell: ".sh .bash .zsh .fish .bashrc .profile PKGBUILD",
  sql: ".sql",
  swift: ".swift",
  toml: ".toml Cargo.lock poetry.lock Pipfile",
  typescript: ".ts .mts .cts .tsx",
  vue: ".vue",
  xml: ".xml .svg .xsd .xsl .plist .csproj .ui .qrc",
  yaml: ".yaml .yml",
};

/**
 * A text that is longer, or has a longer line, is not highlighted: that would block the page. A
 * line is parsed in one go.
 */
export const MAX_HIGHLIGHTED = 1024 * 1024;
export const MAX_HIGHLIGHTED_LINE = 10_000;

/** @type {Map<string, string>} */
const byEnding = new Map();
for (const [language, endings] of Object.entries(ENDINGS)) {
  for (const ending of endings.split(" ")) byEnding.set(ending.toLowerCase(), language);
}

/** @type {Map<string, Promise<Extension>>} */
const loaded = new Map();

/** Whether a text, and each of its lines, is short enough for highlighting. @param {string} text */
export function mayHighlight(text) {
  if (text.length > MAX_HIGHLIGHTED) return false;
  for (let start = 0; start < text.length - MAX_HIGHLIGHTED_LINE;) {
    const end = text.lastIndexOf("\n", start + MAX_HIGHLIGHTED_LINE);
    if (end < start) return false;
    start = end + 1;
  }
  return true;
}

/**
 * The language of a file, or null.
 * @param {string} name
 * @returns {string | null}
 */
export function languageOf(name) {
  const base = baseName(name).toLowerCase();
  const dot = base.lastIndexOf(".");
  return byEnding.get(base) ?? (dot >= 0 ? (byEnding.get(base.slice(dot)) ?? null) : null);
}

/**
 * The extension that highlights a language of `languageOf`.
 * @param {string} language
 * @returns {Promise<Extension>}
 */
export function loadLanguage(language) {
  let loading = loaded.get(language);
  if (!loading) {
    loading = import(`../vendor/languages/${language}.js`).then((module) => module.default());
    loading.catch(() => loaded.delete(language));
    loaded.set(language, loading);
  }
  return loading;
}
