export { presentableDiff } from "@codemirror/merge";
export type * from "@codemirror/merge";
