// Views of the differences between two texts, for those who propose or review.
export { MergeView, getChunks, goToNextChunk, goToPreviousChunk, unifiedMergeView } from "@codemirror/merge";
