/**
 * The languages: each becomes `page/vendor/languages/<name>.js`, loaded when a file first needs it. Its
 * default export makes the extension that highlights it.
 *
 * @type {Record<string, {from: string, use: string, mode?: boolean}>}
 */
export const languages = {
  c: { from: "@codemirror/legacy-modes/mode/clike", use: "c", mode: true },
  clojure: { from: "@codemirror/legacy-modes/mode/clojure", use: "clojure", mode: true },
  cmake: { from: "@codemirror/legacy-modes/mode/cmake", use: "cmake", mode: true },
  cpp: { from: "@codemirror/legacy-modes/mode/clike", use: "cpp", mode: true },
  csharp: { from: "@codemirror/legacy-modes/mode/clike", use: "csharp", mode: true },
  css: { from: "@codemirror/lang-css", use: "css()" },
  dart: { from: "@codemirror/legacy-modes/mode/clike", use: "dart", mode: true },
  diff: { from: "@codemirror/legacy-modes/mode/diff", use: "diff", mode: true },
  dockerfile: { from: "@codemirror/legacy-modes/mode/dockerfile", use: "dockerFile", mode: true },
  elm: { from: "@codemirror/legacy-modes/mode/elm", use: "elm", mode: true },
  erlang: { from: "@codemirror/legacy-modes/mode/erlang", use: "erlang", mode: true },
  go: { from: "@codemirror/legacy-modes/mode/go", use: "go", mode: true },
  groovy: { from: "@codemirror/legacy-modes/mode/groovy", use: "groovy", mode: true },
  haskell: { from: "@codemirror/legacy-modes/mode/haskell", use: "haskell", mode: true },
  html: { from: "@codemirror/lang-html", use: "html()" },
  java: { from: "@codemirror/legacy-modes/mode/clike", use: "java", mode: true },
  javascript: { from: "@codemirror/lang-javascript", use: "javascript({ jsx: true })" },
  json: { from: "@codemirror/lang-json", use: "json()" },
  julia: { from: "@codemirror/legacy-modes/mode/julia", use: "julia", mode: true },
  kotlin: { from: "@codemirror/legacy-modes/mode/clike", use: "kotlin", mode: true },
  less: { from: "@codemirror/lang-less", use: "less()" },
  lua: { from: "@codemirror/legacy-modes/mode/lua", use: "lua", mode: true },
  markdown: { from: "@codemirror/lang-markdown", use: "markdown({ base: markdownLanguage })" },
  nginx: { from: "@codemirror/legacy-modes/mode/nginx", use: "nginx", mode: true },
  ocaml: { from: "@codemirror/legacy-modes/mode/mllike", use: "oCaml", mode: true },
  perl: { from: "@codemirror/legacy-modes/mode/perl", use: "perl", mode: true },
  php: { from: "@codemirror/lang-php", use: "php()" },
  powershell: { from: "@codemirror/legacy-modes/mode/powershell", use: "powerShell", mode: true },
  properties: { from: "@codemirror/legacy-modes/mode/properties", use: "properties", mode: true },
  protobuf: { from: "@codemirror/legacy-modes/mode/protobuf", use: "protobuf", mode: true },
  python: { from: "@codemirror/lang-python", use: "python()" },
  r: { from: "@codemirror/legacy-modes/mode/r", use: "r", mode: true },
  ruby: { from: "@codemirror/legacy-modes/mode/ruby", use: "ruby", mode: true },
  rust: { from: "@codemirror/lang-rust", use: "rust()" },
  sass: { from: "@codemirror/lang-sass", use: "sass({ indented: true })" },
  scala: { from: "@codemirror/legacy-modes/mode/clike", use: "scala", mode: true },
  scss: { from: "@codemirror/lang-sass", use: "sass()" },
  shell: { from: "@codemirror/legacy-modes/mode/shell", use: "shell", mode: true },
  sql: { from: "@codemirror/lang-sql", use: "sql()" },
  swift: { from: "@codemirror/legacy-modes/mode/swift", use: "swift", mode: true },
  toml: { from: "@codemirror/legacy-modes/mode/toml", use: "toml", mode: true },
  typescript: {
    from: "@codemirror/lang-javascript",
    use: "javascript({ jsx: true, typescript: true })",
  },
  vue: { from: "@codemirror/lang-vue", use: "vue()" },
  xml: { from: "@codemirror/lang-xml", use: "xml()" },
  yaml: { from: "@codemirror/lang-yaml", use: "yaml()" },
};

/**
 * The text of a language's entry.
 *
 * @param {string} name
 */
export function entry(name) {
  const { from, use, mode } = languages[name];
  const imported = /** @type {RegExpMatchArray} */ (use.match(/\b[a-zA-Z]+Language\b|^\w+/g)).join(
    ", ",
  );
  if (mode) {
    return `import { StreamLanguage } from "@codemirror/language";
import { ${imported} } from "${from}";
export default () => StreamLanguage.define(${use});`;
  }
  return `import { ${imported} } from "${from}";\nexport default () => ${use};`;
}
