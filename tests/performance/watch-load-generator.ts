import { runWatchLoad, type WatchLoadOptions } from "./watch-load";

// A process of its own for each run, as `load-generator.ts`.
runWatchLoad(JSON.parse(process.argv[2] ?? "") as WatchLoadOptions).then(
  (result) => {
    process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
  },
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
