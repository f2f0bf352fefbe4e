import { systemClock } from "@quorate/actor";
import type { LogStart } from "@quorate/storage";
import type { Logger } from "@quorate/telemetry";
import { connectPatiently } from "@quorate/transport-nats";
import { encodePeerEnvelope, Subjects } from "@quorate/wire";
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
    await using transport = await connectPatiently(
      { servers: options.natsUrl, name: `quorate raft-node ${options.name}` },
      { waitMs: 0, logger },
      { clock: systemClock },
    );
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
