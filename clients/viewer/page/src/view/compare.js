// Two texts beside each other, or in one column, with what differs marked.
import { EditorView, lineNumbers } from "../../vendor/codemirror.js";
import { MergeView, unifiedMergeView } from "../../vendor/merge.js";
import { languageOf, loadLanguage } from "../languages.js";
import { visible } from "../names.js";
import { difference as texts } from "../panel-texts.js";
import { MAX_HIGHLIGHTED, common, language, reading } from "./editor.js";

/** How much around a difference is shown, and how long it may take to find. */
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

/**
 * A view of what differs between two texts; where one of them is null, of the other alone.
 *
 * @param {{ name: string, before: string | null, after: string | null, root: ShadowRoot,
 *   inOne: boolean }} of
 * @returns {MergeView | EditorView}
 */
export function compare({ name, before, after, root, inOne }) {
  const extensions = (/** @type {string} */ label) => [
    looks,
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
  const length = (before?.length ?? 0) + (after?.length ?? 0);
  const spoken = length <= 2 * MAX_HIGHLIGHTED ? languageOf(name) : null;
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
