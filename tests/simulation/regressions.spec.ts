import { readRegression, regressionNames } from "./regression";
import { failureOf } from "./shrink-schedule";

// Goal: what was found once is not there again. Each file in regressions/ is a run that failed, shrunk; its "why" says what was wrong.
describe("a schedule that once broke a promise", () => {
  it.each(regressionNames())("does not any more: %s", (name) => {
    const { seed, schedule, why } = readRegression(name);
    const failure = failureOf(seed, schedule);
    if (failure !== undefined)
      throw new Error(`${failure.message}\nIt was made for: ${why}`, { cause: failure });
  });
});
