// Two texts next to each other, or in one column, with their differences marked.
import { Decoration, EditorView, lineNumbers } from "../../vendor/codemirror.js";
import { MergeView, getChunks, unifiedMergeView } from "../../vendor/merge.js";
import { languageOf, loadLanguage, mayHighlight } from "../languages.js";
import { visible } from "../names.js";
import { difference as texts } from "../panel-texts.js";
import { common, language, reading } from "./editor.js";

/** How many lines are shown around a difference, and how long the comparison may take. */
const SETTINGS = {
  collapseUnchanged: { margin: 3, minSize: 6 },
  diffConfig: { scanLimit: 500, timeout: 200 },
  gutter: true,
  highlightChanges: true,
};

const looks = EditorView.theme({
  "&": { height: "auto" },
  ".cm-scroller": { overflowY: "visible" },
  ".cm-content": { padding: "8px 0" },
  "&.cm-merge-a .cm-changedLine, .cm-deletedChunk": { backgroundColor: "var(--removed-soft)" },
  "&.cm-merge-b .cm-changedLine, &.cm-unified .cm-changedLine, .cm-inlineChangedLine": {
    backgroundColor: "var(--added-soft)",
  },
  "&.cm-merge-a .cm-changedText, .cm-deletedChunk .cm-deletedText, .cm-deletedText": {
    background: "color-mix(in srgb, var(--removed) 6%, transparent)",
    boxShadow: "inset 0 -2px color-mix(in srgb, var(--removed) 60%, transparent)",
  },
  "&.cm-merge-b .cm-changedText, &.cm-unified .cm-changedText": {
    background: "color-mix(in srgb, var(--added) 6%, transparent)",
    boxShadow: "inset 0 -2px color-mix(in srgb, var(--added) 60%, transparent)",
  },
  // If a whole line is new or gone, the bar next to it shows that.
  "& .cm-content .cm-wholeLine .cm-changedText.cm-changedText, & .cm-content .cm-wholeLine .cm-deletedText": {
    background: "none",
    boxShadow: "none",
  },
  ".cm-deletedChunk": { paddingLeft: "8px" },
  ".cm-deletedChunk .cm-deletedLine": { textDecoration: "none" },
  ".cm-changeGutter": { width: "3px", paddingLeft: "0" },
  "&.cm-merge-a .cm-changedLineGutter, .cm-deletedLineGutter": { background: "var(--removed)" },
  "&.cm-merge-b .cm-changedLineGutter, &.cm-unified .cm-changedLineGutter": {
    background: "var(--added)",
  },
  "&.cm-merge-b:not(.cm-unified)": { borderLeft: "1px solid var(--line)" },
  ".cm-collapsedLines:before, .cm-collapsedLines:after": {
    content: '"···"',
    opacity: "0.6",
    margin: "0 8px",
  },
  ".cm-collapsedLines": {
    background: "var(--bg-sunken)",
    color: "var(--ink-2)",
    font: "12px var(--font)",
    padding: "5px 16px",
    borderBlock: "1px solid var(--line)",
    cursor: "pointer",
  },
  ".cm-collapsedLines:hover": { color: "var(--accent)" },
  ".cm-mergeSpacer": { background: "var(--bg-sunken)" },
});

const wholeLine = Decoration.line({ class: "cm-wholeLine" });

/** The visible lines that are completely new or gone. */
const wholeLines = EditorView.decorations.of((view) => {
  const { chunks, side } = getChunks(view.state) ?? { chunks: [], side: null };
  const { doc } = view.state;
  const found = [];
  for (const chunk of chunks) {
    const { fromA, toA, endA, fromB, toB, endB } = chunk;
    const [start, other] = side === "a" ? [fromA, toB - fromB] : [fromB, toA - fromA];
    const end = Math.min(side === "a" ? endA : endB, doc.length);
    if (start > view.viewport.to || end < view.viewport.from) continue;
    const changes = chunk.changes.map(({ fromA, toA, fromB, toB }) =>
      (side === "a" ? [fromA, toA] : [fromB, toB]));
    const isWhole = (/** @type {{ from: number, to: number }} */ line) =>
      other === 0 || changes.some(([from, to]) => start + from <= line.from && line.to <= start + to);
    for (let at = Math.max(start, view.viewport.from); at <= Math.min(end, view.viewport.to);) {
      const line = doc.lineAt(at);
      if (line.length > 0 && isWhole(line)) found.push(wholeLine.range(line.from));
      at = line.to + 1;
    }
  }
  return Decoration.set(found, true);
});

/**
 * In one column, marks the deleted lines that are gone completely; the library draws these lines.
 * @param {EditorView} view
 */
function markDeletedLines(view) {
  for (const line of view.dom.querySelectorAll(".cm-deletedLine > del:not(.cm-wholeLine)")) {
    const isGone = (/** @type {Node} */ each) =>
      each instanceof Element && each.classList.contains("cm-deletedText");
    if ([...line.childNodes].every(isGone)) line.classList.add("cm-wholeLine");
  }
}

/**
 * A view of the differences between two texts; if one is null, of the other alone.
 *
 * @param {{ name: string, before: string | null, after: string | null, root: ShadowRoot,
 *   inOne: boolean }} of
 * @returns {MergeView | EditorView}
 */
export function compare({ name, before, after, root, inOne }) {
  const extensions = (/** @type {string} */ label) => [
    looks,
    wholeLines,
    EditorView.updateListener.of(({ view }) => markDeletedLines(view)),
    common(lineNumbers()),
    reading(`${visible(name)}, ${label}`),
    language.of([]),
    EditorView.lineWrapping,
  ];
  const place = { root, parent: root };
  /** @type {MergeView | EditorView} */
  let view;
  if (before === null || after === null) {
    const label = before === null ? texts.after : texts.before;
    view = new EditorView({ doc: before ?? after ?? "", extensions: extensions(label), ...place });
  } else if (inOne) {
    const merging = unifiedMergeView({
      ...SETTINGS,
      original: before,
      mergeControls: false,
      syntaxHighlightDeletions: true,
    });
    const plain = EditorView.editorAttributes.of({ class: "cm-unified" });
    view = new EditorView({
      doc: after,
      extensions: [merging, plain, extensions(texts.after)],
      ...place,
    });
  } else {
    view = new MergeView({
      ...SETTINGS,
      a: { doc: before, extensions: extensions(texts.before) },
      b: { doc: after, extensions: extensions(texts.after) },
      ...place,
    });
  }
  if (view instanceof EditorView) markDeletedLines(view);
  const spoken = mayHighlight(before ?? "") && mayHighlight(after ?? "") ? languageOf(name) : null;
  if (spoken) {
    const editors = view instanceof MergeView ? [view.a, view.b] : [view];
    void loadLanguage(spoken).then(
      (extension) => {
        for (const each of editors) each.dispatch({ effects: language.reconfigure(extension) });
      },
      () => {},
    );
  }
  return view;
}
