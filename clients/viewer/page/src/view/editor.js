// The editor of this page: what all documents share, its appearance, and how a new version is
// applied as small changes.
import {
  Compartment, EditorState, EditorView, HighlightStyle, Transaction, codeFolding, defaultKeymap,
  drawSelection, foldGutter, foldKeymap, highlightActiveLine, highlightSelectionMatches,
  highlightSpecialChars, history, historyKeymap, indentUnit, keymap, lineNumbers, search, searchKeymap,
  syntaxHighlighting, tags,
} from "../../vendor/codemirror.js";
import { presentableDiff } from "../../vendor/diff.js";
import * as texts from "../texts.js";
import { markChanged, marks } from "./marks.js";

/** @typedef {import("../../vendor/codemirror.js").Extension} Extension */

/** A change with more pieces than this is applied as one piece. */
const MAX_PIECES = 2000;

export const language = new Compartment();
export const access = new Compartment();
export const wrapping = new Compartment();

const highlighting = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier, tags.controlKeyword],
    color: "var(--code-keyword)" },
  { tag: [tags.string, tags.special(tags.string), tags.regexp, tags.character], color: "var(--code-string)" },
  { tag: [tags.comment, tags.meta], color: "var(--code-comment)", fontStyle: "italic" },
  { tag: [tags.number, tags.bool, tags.null, tags.atom, tags.escape], color: "var(--code-number)" },
  { tag: [tags.function(tags.variableName), tags.function(tags.propertyName), tags.macroName, tags.labelName],
    color: "var(--code-name)" },
  { tag: [tags.definition(tags.variableName), tags.propertyName, tags.attributeName],
    color: "var(--code-name)" },
  { tag: [tags.typeName, tags.className, tags.namespace, tags.tagName, tags.standard(tags.name)],
    color: "var(--code-type)" },
  { tag: [tags.link, tags.url], color: "var(--code-link)", textDecoration: "underline" },
  { tag: tags.heading, color: "var(--code-keyword)", fontWeight: "600" },
  { tag: tags.strong, fontWeight: "600" },
  { tag: tags.emphasis, fontStyle: "italic" },
  { tag: tags.invalid, color: "var(--removed)" },
]);

const SELECTED = "> .cm-scroller > .cm-selectionLayer .cm-selectionBackground";
const looks = EditorView.theme({
  "&": {
    height: "100%", color: "var(--ink)", backgroundColor: "var(--bg)", fontSize: "var(--code-size, 13px)",
  },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.6", overscrollBehavior: "contain" },
  ".cm-content": { padding: "8px 0 40vh", caretColor: "var(--accent)" },
  "&.cm-focused .cm-content:focus-visible": { outline: "none" },
  ".cm-line": { padding: "0 16px 0 8px" },
  ".cm-gutters": { backgroundColor: "var(--bg)", color: "var(--ink-3)", border: "none" },
  ".cm-lineNumbers .cm-gutterElement": { padding: "0 8px 0 16px", minWidth: "28px", cursor: "pointer" },
  ".cm-lineNumbers .cm-gutterElement:hover": { color: "var(--ink)" },
  "@media (max-width: 720px)": {
    ".cm-lineNumbers .cm-gutterElement": { padding: "0 6px 0 10px", minWidth: "22px" },
    ".cm-foldGutter": { display: "none !important" },
    ".cm-line": { padding: "0 10px 0 6px" },
  },
  ".cm-changes": { width: "3px" },
  ".cm-bar": { backgroundColor: "var(--added)" },
  ".cm-bar-removed": {
    background: "linear-gradient(var(--removed), var(--removed)) bottom / 100% 4px no-repeat",
  },
  ".cm-foldGutter .cm-gutterElement": {
    color: "var(--ink-3)", width: "14px", cursor: "pointer", opacity: "0",
  },
  ".cm-gutters:hover .cm-foldGutter .cm-gutterElement": { opacity: "1" },
  ".cm-foldGutter span[title=\"Unfold line\"]": { color: "var(--accent)" },
  ".cm-foldPlaceholder": {
    backgroundColor: "var(--accent-soft)", border: "none", color: "var(--accent)", padding: "0 6px",
    margin: "0 4px", borderRadius: "4px",
  },
  ".cm-activeLine": { backgroundColor: "transparent" },
  "&.cm-focused .cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--ink) 4%, transparent)" },
  ".cm-linked, &.cm-focused .cm-linked.cm-activeLine": { backgroundColor: "var(--accent-soft)" },
  ".cm-cursor, .cm-dropCursor": { borderLeftColor: "var(--accent)", borderLeftWidth: "2px" },
  [`& ${SELECTED}, &.cm-focused ${SELECTED}`]: { backgroundColor: "var(--selection)" },
  ".cm-selectionMatch": { backgroundColor: "color-mix(in srgb, var(--accent) 14%, transparent)" },
  ".cm-searchMatch": { backgroundColor: "var(--warn-soft)", outline: "1px solid var(--warn)" },
  ".cm-searchMatch.cm-searchMatch-selected": { backgroundColor: "var(--warn)", color: "var(--bg)" },
  ".cm-specialChar": {
    color: "var(--removed)", backgroundColor: "var(--removed-soft)", borderRadius: "3px", fontSize: "11px",
  },
  ".cm-fresh": {
    backgroundColor: "var(--fresh)", borderRadius: "2px", animation: "cm-fade 1.6s ease-in both",
  },
  ".cm-fresh-line": { animation: "cm-fade-line 1.6s ease-in both" },
  "@keyframes cm-fade": {
    "from, 60%": { backgroundColor: "var(--fresh)" },
    to: { backgroundColor: "transparent" },
  },
  "@keyframes cm-fade-line": {
    from: { backgroundColor: "var(--fresh-line)" },
    to: { backgroundColor: "transparent" },
  },
  "@media (prefers-reduced-motion: reduce)": { ".cm-fresh, .cm-fresh-line": { animation: "none" } },
  "@media (forced-colors: active)": {
    ".cm-fresh": { outline: "1px solid Highlight" },
    ".cm-bar": { forcedColorAdjust: "none", backgroundColor: "Highlight" },
  },
  ".cm-panels": {
    backgroundColor: "var(--bg-bar)", color: "var(--ink)", borderBottom: "1px solid var(--line)",
  },
  ".cm-panel.cm-search": { display: "flex", flexWrap: "wrap", gap: "6px", alignItems: "center",
    padding: "8px 32px 8px 12px", font: "13px var(--font)" },
  ".cm-panel.cm-search br": { display: "none" },
  ".cm-panel.cm-search label": {
    display: "inline-flex", alignItems: "center", gap: "4px", fontSize: "12px", margin: "0",
  },
  ".cm-textfield": { font: "inherit", padding: "4px 8px", margin: "0", border: "1px solid var(--line-strong)",
    borderRadius: "6px", backgroundColor: "var(--bg)", color: "var(--ink)" },
  ".cm-button": { font: "inherit", fontSize: "12px", padding: "4px 10px", margin: "0",
    border: "1px solid var(--line)", borderRadius: "6px", background: "var(--bg-raised)",
    color: "var(--ink)" },
  ".cm-panel.cm-search [name=close]": {
    color: "var(--ink-2)", fontSize: "18px", padding: "4px 8px", top: "4px", right: "4px",
  },
});

/** What all documents share. @param {Extension} more that comes first, such as line numbers */
export function common(more) {
  return [
    more,
    keymap.of([...searchKeymap, ...foldKeymap, ...defaultKeymap]),
    foldGutter({ openText: "⌄", closedText: "›" }),
    marks,
    codeFolding(),
    highlightSpecialChars({
      render: specialChar,
      addSpecialChars: /[\u200c\u202a-\u202c\u2060-\u2064\u2068\u2069\u3164]/g,
    }),
    drawSelection(),
    highlightActiveLine(),
    highlightSelectionMatches({ minSelectionLength: 2, maxMatches: 200 }),
    syntaxHighlighting(highlighting),
    search({ top: true }),
    indentUnit.of("    "),
    looks,
  ];
}

/**
 * Line numbers that report which lines were picked.
 * @param {(line: number, extend: boolean) => void} pick
 */
export function pickableLines(pick) {
  return lineNumbers({
    domEventHandlers: {
      mousedown(view, block, event) {
        if (!(event instanceof MouseEvent) || event.button !== 0) return false;
        pick(view.state.doc.lineAt(block.from).number, event.shiftKey);
        event.preventDefault();
        return true;
      },
    },
  });
}

/** @param {number} code */
function specialChar(code) {
  const shown = document.createElement("span");
  const text = `‹U+${code.toString(16).toUpperCase().padStart(4, "0")}›`;
  shown.className = "cm-specialChar";
  shown.textContent = text;
  shown.title = texts.stage.special(text);
  return shown;
}

/** Text that can be read and copied, by keyboard too. @param {string} label */
export function reading(label) {
  return [
    EditorState.readOnly.of(true),
    EditorView.editable.of(false),
    EditorView.contentAttributes.of({ tabindex: "0", "aria-label": label, "aria-readonly": "true" }),
  ];
}

/** Text that can be edited. @param {string} label */
export function writing(label) {
  return [
    history(),
    keymap.of(historyKeymap),
    EditorView.contentAttributes.of({
      tabindex: "0", "aria-label": label, autocapitalize: "off", autocorrect: "off", spellcheck: "false",
    }),
  ];
}

/**
 * The line separator of a text; the document keeps it, so that it can become the same bytes again.
 * @param {string} text
 */
export function separatorOf(text) {
  return text.includes("\r\n") && !/(^|[^\r])\n/.test(text) ? "\r\n" : "\n";
}

/**
 * The changes that make `state` contain `text`, as small as can be found quickly; null if there are
 * none. Selection, folds and scroll position stay, because they move along with such changes.
 * @param {EditorState} state
 * @param {string} text
 * @param {boolean} mark whether the changes are marked as fresh
 */
export function versionChange(state, text, mark) {
  const separator = state.facet(EditorState.lineSeparator) ?? "\n";
  const wanted = separator === "\n" ? text : text.replaceAll(separator, "\n");
  const held = state.doc.toString();
  if (held === wanted) return null;
  let pieces = presentableDiff(held, wanted, { scanLimit: 500, timeout: 100 })
    .map(({ fromA, toA, fromB, toB }) => ({ fromA, toA, fromB, toB }));
  if (pieces.length > MAX_PIECES) {
    const last = pieces[pieces.length - 1];
    pieces = [{ fromA: pieces[0].fromA, toA: last.toA, fromB: pieces[0].fromB, toB: last.toB }];
  }
  const changes = state.changes(pieces.map(({ fromA, toA, fromB, toB }) => ({
    from: fromA, to: toA, insert: state.toText(wanted.slice(fromB, toB).replaceAll("\n", separator)),
  })));
  const ranges = pieces.map(({ fromB, toB }) => ({ from: fromB, to: toB }));
  return {
    spec: {
      changes,
      effects: mark ? [markChanged.of(ranges)] : [],
      annotations: [Transaction.addToHistory.of(false), Transaction.remote.of(true)],
    },
    first: ranges[0].from,
  };
}
