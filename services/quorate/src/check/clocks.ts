import { failure, ok, warning, type Finding } from "./finding";

/** HTTP dates have whole seconds. */
const OFFSET_MS_MAX = 2000;
const ANSWER_MS = 2000;

/**
 * How far this machine's clock is from that of others, by the date in their gateways' answers. Nothing that is agreed on depends on
 * it: leases and elections count time, and never look at the clock. Certificates and logs do.
 *
 * @param urls Client URLs of the members that run.
 */
export async function checkClocks(urls: readonly string[]): Promise<Finding[]> {
  return Promise.all(urls.filter((url) => url.startsWith("http:")).map(checkClock));
}

async function checkClock(url: string): Promise<Finding> {
  const subject = `clock of ${url}`;
  try {
    const from = Date.now();
    const { headers } = await fetch(`${url}/version`, { signal: AbortSignal.timeout(ANSWER_MS) });
    const until = Date.now();
    const theirs = Date.parse(headers.get("date") ?? "");
    if (Number.isNaN(theirs))
      return failure(subject, { text: "its answer has no date", remedy: "See whether that is a gateway." });
    // The date was cut to a second: it stands for what came after, and within it for the middle.
    const offset = theirs + 500 - (from + until) / 2;
    if (Math.abs(offset) <= OFFSET_MS_MAX) return ok(subject, "within two seconds of this one");
    return warning(subject, {
      text: `it is ${(Math.abs(offset) / 1000).toFixed(0)} s ${offset > 0 ? "ahead of" : "behind"} this one: certificates and logs do not fit together`,
      remedy: "Have both follow a time server.",
    });
  } catch {
    return warning(subject, { text: "it does not answer", remedy: "See whether that member runs." });
  }
}
