// Rules for the page's own code that need no browser.
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import test from "node:test";
import assert from "node:assert/strict";
import * as moderationWords from "../page/src/moderation-texts.js";
import * as panelWords from "../page/src/panel-texts.js";
import * as words from "../page/src/texts.js";

const viewer = path.join(import.meta.dirname, "..");

/** Our own files below `folder`, as [path from clients/viewer, text]. @param {string} folder */
async function sources(folder) {
  const entries = await readdir(path.join(viewer, folder), {
    recursive: true,
    withFileTypes: true,
  });
  const files = entries
    .filter((entry) => entry.isFile() && /\.(m?js|css|html)$/.test(entry.name))
    .map((entry) => path.relative(viewer, path.join(entry.parentPath, entry.name)))
    .filter((file) => !/^page\/vendor\/|node_modules/.test(file));
  return Promise.all(
    files.map(async (file) => [file, await readFile(path.join(viewer, file), "utf8")]),
  );
}

/** The files that an import names, relative to `page`. @param {string} file @param {string} text */
function imports(file, text) {
  return [
    ...text.matchAll(
      /^\s*(?:import|export)\b[^;]*?\bfrom\s+"([^"]+)"|\bimport\(\s*["`]([^"`]+)["`]/gm,
    ),
  ]
    .map((match) => match[1] ?? match[2])
    .map((name) => path.relative("page", path.join(path.dirname(file), name)));
}

const FORBIDDEN = [
  /\binnerHTML\b/,
  /\bouterHTML\b/,
  /\binsertAdjacentHTML\b/,
  /\bunsafe(?:HTML|SVG|MathML|Static)\b/,
  /\beval\s*\(/,
  /\bnew\s+Function\b/,
  /\bdocument\.write/,
  /\bsetAttribute\(\s*["']on/,
  /\s(?:style|on[a-z]+)=["']/,
  /\bsrcdoc\b/,
  /["'`]javascript:/i,
];

test("nothing in the page's own code can make markup or code out of text", async () => {
  const files = await sources("page");
  assert.ok(files.length > 3, "the page's modules are found");
  for (const [file, text] of files) {
    for (const pattern of FORBIDDEN) assert.doesNotMatch(text, pattern, file);
  }
});

test("a module outside view/ touches no element", async () => {
  for (const [file, text] of await sources("page/src")) {
    if (file.startsWith("page/src/view/") || file === "page/src/main.js") continue;
    assert.doesNotMatch(text, /\bdocument\.|\bHTMLElement\b|\blit-html\b/, file);
  }
});

test("no module imports upwards, and no modules form a circle", async () => {
  /** @type {Map<string, string[]>} */
  const graph = new Map();
  for (const [file, text] of await sources("page/src")) {
    const to = imports(file, text);
    graph.set(path.relative("page", file), to);
    const isView = file.startsWith("page/src/view/");
    const isMain = file === "page/src/main.js";
    for (const name of to) {
      assert.ok(!name.endsWith("main.js"), `${file} imports the list of parts`);
      assert.ok(isView || isMain || !name.startsWith("src/view/"), `${file} imports ${name}`);
      assert.ok(
        /^(?:src|vendor)\//.test(name),
        `${file} imports ${name}, which is not part of the page`,
      );
    }
  }
  const done = new Set();
  const visit = (/** @type {string} */ name, /** @type {string[]} */ trail) => {
    assert.ok(!trail.includes(name), `a circle: ${[...trail, name].join(" → ")}`);
    if (done.has(name)) return;
    for (const next of graph.get(name) ?? []) visit(next, [...trail, name]);
    done.add(name);
  };
  for (const name of graph.keys()) visit(name, []);
});

test("no file of the page or of its tests has more than 350 lines", async () => {
  for (const folder of ["page", "tests", "vendor"]) {
    for (const [file, text] of await sources(folder)) {
      assert.ok(text.split("\n").length <= 351, `${file} has ${text.split("\n").length} lines`);
    }
  }
});

test("no line of the page or of what builds it has more than 110 columns, but for drawings of icons", async () => {
  for (const [file, text] of [...(await sources("page")), ...(await sources("vendor"))]) {
    if (file === "page/src/view/icons.js") continue;
    const long = text.split("\n").flatMap((line, at) => (line.length > 110 ? [at + 1] : []));
    assert.deepEqual(long, [], file);
  }
});

test("the words of the page are in texts.js: views write none themselves", async () => {
  for (const [file, text] of await sources("page/src/view")) {
    const written = [...text.matchAll(/(?<!=)>\s*([A-Z][a-z]+(?: [a-z]+)*[.?!]?)\s*</g)].map(
      (match) => match[1],
    );
    assert.deepEqual(written, [], file);
  }
});

const TEXTS = /** @type {[string, unknown][]} */ (Object.entries({ ...words, ...panelWords, ...moderationWords }));

/**
 * The words that a module uses through its imports, each as `group.key`; only `group.` if the key
 * is computed.
 * @param {string} text
 */
function wordsUsed(text) {
  /** @type {string[]} */
  const used = [];
  const take = (/** @type {string} */ group, /** @type {string} */ name) => {
    for (const match of text.matchAll(new RegExp(`(?<![\\w./-])${name}(?:\\.(\\w+)|\\[)`, "g")))
      used.push(`${group}.${match[1] ?? ""}`);
  };
  for (const [, all, some] of text.matchAll(/import (?:\* as (\w+)|\{([^}]*)\}) from "[./]*\/(?:\w+-)?texts\.js"/g)) {
    for (const [group] of all ? TEXTS : []) take(group, `${all}\\.${group}`);
    for (const each of some?.split(",") ?? []) {
      const [group, name = group] = each.trim().split(" as ");
      take(group, name);
    }
  }
  return used;
}

test("the words that a module uses are those of the groups that it imports", () => {
  const one = 'import { chat as texts, kinds } from "../panel-texts.js"; texts.close; kinds[kind]; my.texts.not; notexts.no';
  assert.deepEqual(wordsUsed(one), ["chat.close", "kinds."]);
  const all = 'import * as texts from "../texts.js"; texts.bar.live; texts.bar.theme[which]; texts.keys[0]; bar.lost';
  assert.deepEqual(wordsUsed(all).sort(), ["bar.live", "bar.theme", "keys."]);
});

test("every word of the page is used", async () => {
  const used = new Set((await sources("page/src")).flatMap(([, text]) => wordsUsed(text)));
  const groups = [words, panelWords, moderationWords].flatMap(Object.keys);
  assert.equal(groups.length, TEXTS.length, "a name has one group");
  for (const [group, texts] of TEXTS) {
    if (typeof texts !== "object" || texts === null || Array.isArray(texts)) continue;
    const unused = Object.keys(texts).filter((key) => !used.has(`${group}.${key}`));
    assert.deepEqual(used.has(`${group}.`) ? [] : unused, [], group);
  }
});

test("whatever a text is given comes out with every character seen", () => {
  let tried = 0;
  /** @param {string} path @param {unknown} text */
  const visit = (path, text) => {
    if (typeof text === "function") {
      tried++;
      const types = [...String(text).matchAll(/@type \{(\w+)\}/g)].map((match) => match[1]);
      assert.ok(types.length >= text.length, `${path} says of what type each parameter is`);
      const said = text(...types.map((type) => (type === "number" ? 7 : "a\u202eb")));
      assert.doesNotMatch(String(said), /\u202e/, path);
    } else if (typeof text === "object" && text !== null) {
      for (const [key, each] of Object.entries(text)) visit(`${path}.${key}`, each);
    }
  };
  for (const [group, texts] of TEXTS) if (typeof texts === "object") visit(group, texts);
  assert.ok(tried > 30, `${tried} texts`);
});

test("lock files name no registry", async () => {
  for (const folder of ["vendor", "tests"]) {
    const lock = await readFile(path.join(viewer, folder, "package-lock.json"), "utf8");
    assert.doesNotMatch(lock, /"resolved"|https?:\/\/registry/);
  }
});

test("the notices name every package that the lock file lets into the page, with its licence", async () => {
  const { packages } = JSON.parse(
    await readFile(path.join(viewer, "vendor/package-lock.json"), "utf8"),
  );
  const notices = await readFile(path.join(viewer, "page/vendor/NOTICES.txt"), "utf8");
  const wanted = Object.keys(
    JSON.parse(await readFile(path.join(viewer, "vendor/package.json"), "utf8")).dependencies,
  );
  for (const name of wanted) {
    const { version, license } = packages[`node_modules/${name}`];
    assert.ok(notices.includes(`\n${name} ${version} (${license})\n`), name);
  }
  assert.ok(
    notices
      .split("-".repeat(80))
      .slice(1)
      .every((notice) => /copyright/i.test(notice)),
  );
});

test("each test that CHECKS.md names exists, in twenty-six rows", async () => {
  const text = await readFile(path.join(viewer, "CHECKS.md"), "utf8");
  const rows = text.split("\n").filter((line) => /^\| \d+ \|/.test(line));
  assert.deepEqual(rows.map((row) => Number(row.split("|")[1])), Array.from({ length: 26 }, (_, at) => at + 1));
  const tests = await sources("tests");
  const titles = new Set(
    tests.flatMap(([, each]) => [...each.matchAll(/\btest\(\s*(["`])(.*?)\1,/g)].map((match) => match[2])),
  );
  const named = rows.flatMap((row) => [...row.matchAll(/"([^"]+)"/g)].map((match) => match[1]));
  assert.deepEqual(named.filter((each) => !titles.has(each)), []);
  assert.ok(named.length > 40);
});
