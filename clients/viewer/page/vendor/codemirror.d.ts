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
export type * from "@codemirror/commands";
export type * from "@codemirror/language";
export type * from "@codemirror/search";
export type * from "@codemirror/state";
export type * from "@codemirror/view";
export type * from "@lezer/highlight";
