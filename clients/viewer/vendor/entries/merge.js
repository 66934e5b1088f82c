// Differences between two texts, and views of them.
export * from "@codemirror/merge";
