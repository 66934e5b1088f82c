export * from "@codemirror/state";
export * from "@codemirror/view";
export * from "@codemirror/language";
export * from "@codemirror/commands";
export * from "@codemirror/search";
export { classHighlighter, highlightTree, tags } from "@lezer/highlight";
