import { askBroker, BrokerUnreachableError } from "@quorate/transport-nats";
import { messageOf } from "../command-error";
import { failure, ok, warning, type Finding } from "./finding";

const ANSWER_MS = 2000;
/** Messages above 512 KiB are cut in parts of that size, with a header each. */
const PAYLOAD_BYTES_MIN = 576 * 1024;

/** Whether brokers that must run already do, and will do. */
export async function checkBrokers(urls: readonly string[]): Promise<Finding[]> {
  const findings = await Promise.all(urls.map(checkBroker));
  const isAnyThere = findings.some(({ state }) => state !== "error");
  // One of several that is away is what there are several for.
  return findings.map((finding) =>
    finding.state === "error" && isAnyThere ? { ...finding, state: "warning" as const } : finding,
  );
}

async function checkBroker(url: string): Promise<Finding> {
  const subject = `broker ${url.replace(/\/\/[^@/]*@/, "//")}`;
  try {
    const { version, cluster, payloadBytesMax, isLameDuck, others } = await askBroker(url, ANSWER_MS);
    if (payloadBytesMax < PAYLOAD_BYTES_MIN)
      return failure(subject, {
        text: `it takes messages of ${payloadBytesMax} bytes, and ${PAYLOAD_BYTES_MIN} are needed`,
        remedy: "Set max_payload in its configuration to 1MB at least.",
      });
    if (isLameDuck)
      return warning(subject, { text: "it is about to end (lame duck)", remedy: "Wait until it is back." });
    const place = cluster === undefined ? "by itself" : `in the cluster ${cluster}, ${others.length} known`;
    return ok(subject, `nats-server ${version}, ${place}`);
  } catch (error) {
    return failure(subject, { text: silence(error), remedy: "Start it first, or correct --nats-url." });
  }
}

/**
 * Whether the other members' brokers are there, which a member starts without: those of a cluster that is founded come one by one.
 *
 * @param urls Their peer URLs.
 */
export async function checkPeers(urls: readonly string[]): Promise<Finding[]> {
  const answers = await Promise.all(
    urls.map((url) =>
      askBroker(url.replace(/^https?:/, "nats:"), ANSWER_MS).then(
        () => undefined,
        (error: unknown) => silence(error),
      ),
    ),
  );
  if (urls.length > 0 && !answers.includes(undefined))
    return [ok("other members", "none answers yet: this one will wait for a majority")];
  return urls.map((url, at) => {
    const why = answers[at];
    if (why === undefined) return ok("other members", `${url} answers`);
    return warning("other members", {
      text: `${url}: ${why}, while others answer`,
      remedy: "See whether that member runs, and whether a firewall is between.",
    });
  });
}

/** Why somebody did not answer. */
function silence(error: unknown): string {
  const cause = error instanceof BrokerUnreachableError ? error.cause : error;
  return `no answer within ${ANSWER_MS / 1000} s (${messageOf(cause)})`;
}
