// The differences between two texts, by themselves: every viewer loads them, and few the views of them. The
// query makes a module of its own, which shares nothing with the entry `merge`.
export { presentableDiff } from "@codemirror/merge?diff";
