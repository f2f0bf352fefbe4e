import type { LogStart } from "@quorate/storage";
import type { Logger } from "@quorate/telemetry";
import { encodePeerEnvelope, Subjects } from "@quorate/wire";
import { connectToBroker } from "../connect-to-broker";
import type { NodeOptions } from "../options";

/**
 * Tells the others of damage that kept this member from starting, so that the leader raises the alarm. Best effort: its end
 * must not depend on a broker.
 */
export async function announceDamage(
  options: NodeOptions,
  start: LogStart,
  why: string,
  dependencies: { readonly logger: Logger; readonly bootNonce: number },
): Promise<void> {
  const { logger, bootNonce } = dependencies;
  const { incarnation, configuration, identity } = start;
  const { clusterId, memberId } = identity;
  try {
    await using transport = await connectToBroker(options, { purpose: " damage", waitMs: 0, logger });
    const subjects = new Subjects(options.cluster);
    const integrity = { senderDamaged: { incarnation, why } };
    for (const to of [...configuration.incoming, ...configuration.outgoing, ...configuration.learners]) {
      if (to === memberId) continue;
      const envelope = {
        clusterId,
        from: memberId,
        to,
        incarnation,
        bootNonce,
        group: 0,
        messages: [],
        integrity,
      };
      transport.publish(subjects.raft(memberId, to), encodePeerEnvelope(envelope));
    }
    await transport.flush();
  } catch (error) {
    logger.warn("the others could not be told of the damage", { error });
  }
}
