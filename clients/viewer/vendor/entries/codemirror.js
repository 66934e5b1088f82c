// The editor: what the page uses of CodeMirror, and no more, since every viewer loads it.
export { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
export {
  HighlightStyle, codeFolding, foldGutter, foldKeymap, indentUnit, syntaxHighlighting,
} from "@codemirror/language";
export { highlightSelectionMatches, openSearchPanel, search, searchKeymap } from "@codemirror/search";
export {
  Compartment, EditorSelection, EditorState, RangeSet, StateEffect, StateField, Transaction,
} from "@codemirror/state";
export {
  Decoration, EditorView, GutterMarker, drawSelection, gutter, highlightActiveLine, highlightSpecialChars,
  keymap, lineNumbers,
} from "@codemirror/view";
export { tags } from "@lezer/highlight";
