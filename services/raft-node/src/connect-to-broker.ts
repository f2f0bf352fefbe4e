import { systemClock } from "@quorate/actor";
import { hexId } from "@quorate/base";
import type { ProcessExchange, Transport } from "@quorate/transport";
import { brokerAccess, connectPatiently, type Patience } from "@quorate/transport-nats";
import { brokerConduct } from "@quorate/wire";
import type { NodeOptions } from "./options";

export interface BrokerManners extends Patience {
  /** What sets this connection apart from the others of the node, in the broker's monitoring. */
  readonly purpose: string;
  /** Done before the connection leaves a broker that will stop. Default: nothing. */
  readonly beforeMove?: () => Promise<void>;
  readonly moveWithinMs?: number;
  /** Where the services of this process meet, if there are several. */
  readonly exchange?: ProcessExchange | undefined;
}

/** Connects as this member. @throws As `brokerAccess` and `connectPatiently` do. */
export async function connectToBroker(
  options: NodeOptions,
  { purpose, waitMs, logger, denied, exchange, ...move }: BrokerManners,
): Promise<Transport> {
  const { login, ...access } = brokerAccess(options);
  const conduct = brokerConduct(options.cluster, {
    roles: ["node"],
    user: login,
    member: hexId(options.memberId),
  });
  return connectPatiently(
    { ...access, ...conduct, ...move, name: `quorate raft-node ${options.name}${purpose}` },
    { waitMs, logger, ...(denied && { denied }) },
    { clock: systemClock, exchange },
  );
}
