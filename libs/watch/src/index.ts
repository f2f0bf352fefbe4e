export { IntervalTree, type Interval } from "./interval-tree";
export * from "./types";
export { WatchHub, type FeedBatch, type HistoryChunk, type WatchHubOptions } from "./watch-hub";
export { WatchSubscriber, type Control, type Received } from "./watch-subscriber";
