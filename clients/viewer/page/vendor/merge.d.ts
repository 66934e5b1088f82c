export {
  MergeView, getChunks, goToNextChunk, goToPreviousChunk, presentableDiff, unifiedMergeView,
} from "@codemirror/merge";
export type * from "@codemirror/merge";
