// Differences between two texts, and views of them.
export {
  MergeView, getChunks, goToNextChunk, goToPreviousChunk, presentableDiff, unifiedMergeView,
} from "@codemirror/merge";
