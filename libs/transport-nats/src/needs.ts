import { subjectMatches } from "@quorate/transport";
import type { TransportNotice } from "./notice";

/** What a process must be allowed by the broker; subjects may have wildcards. */
export interface BrokerNeeds {
  readonly publish: readonly string[];
  /** As they are subscribed to, or wider. */
  readonly subscribe: readonly string[];
  /** Subjects that nobody listens to, where an empty message shows at once whether publishing is allowed. */
  readonly probes: readonly string[];
}

type Denial = Extract<TransportNotice, { readonly kind: "permission-denied" }>;

/**
 * Whether the process cannot do without what was denied. Other denials do not count: an answer goes where the one who asks
 * wants it, and nobody may end a service by asking for it where the service may not publish.
 */
export function isNeeded({ operation, subject }: Denial, needs: BrokerNeeds): boolean {
  const covers = (patterns: readonly string[]): boolean =>
    patterns.some((pattern) => pattern === subject || subjectMatches(pattern, subject));
  return (
    (operation !== "subscription" && covers(needs.publish)) ||
    (operation !== "publish" && covers(needs.subscribe))
  );
}
