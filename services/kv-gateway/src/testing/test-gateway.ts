import { tmpdir } from "node:os";
import type { Clock, Scheduler } from "@quorate/base";
import { seededPrng } from "@quorate/base";
import type { LeaseId } from "@quorate/lease";
import { NO_TRACER, type Tracer } from "@quorate/telemetry";
import { MemoryNetwork, type Transport } from "@quorate/transport";
import { parseClusterName, Subjects } from "@quorate/wire";
import { Gateway, type GatewayOptions } from "../gateway";
import { memberId } from "./bench";
import { ScriptedNode } from "./scripted-node";

export interface TestGateway {
  readonly network: MemoryNetwork;
  readonly subjects: Subjects;
  readonly transport: Transport;
  readonly gateway: Gateway;
  /** Three members; the gateway stands for the first. */
  readonly nodes: readonly [ScriptedNode, ScriptedNode, ScriptedNode];
}

const OPTIONS: GatewayOptions = {
  gateway: 0x9a7en,
  homeMember: memberId(1),
  advertiseClientUrls: ["http://gateway:2379"],
  requestTimeoutMs: 7000,
  learnersMax: 1,
  electionTimeoutMs: 1000,
  readPreference: "spread",
  writeBatchesInFlight: 2,
  readBatchesInFlight: 4,
  queueCallsMax: 1000,
  queueBytesMax: 64 * 1024 * 1024,
  watchProgressNotifyMs: 600_000,
  largeAnswerBytesMax: 100_000,
  watchStreamWindowBytes: 1024 * 1024,
  watchStreamWatchersMax: 8,
  spoolDirectory: tmpdir(),
};

/** The id of every lease whose caller left the choice to the gateway. */
export const DRAWN_LEASE = 0x1ea5en as LeaseId;

/** Ids of members and orders count on from here. */
export const DRAWN_BEFORE = 0xd0n;

/** A whole gateway but for its doors, in front of three scripted nodes. */
export function testGateway(
  time: { readonly clock: Clock; readonly scheduler: Scheduler },
  options: Partial<GatewayOptions> = {},
  tracer: Tracer = NO_TRACER,
): TestGateway {
  let drawn = DRAWN_BEFORE;
  const network = new MemoryNetwork({}, { ...time, prng: seededPrng(7) });
  const subjects = new Subjects(parseClusterName("c1"));
  const members = [memberId(1), memberId(2), memberId(3)] as const;
  const node = (member: (typeof members)[number]): ScriptedNode =>
    new ScriptedNode({ member, members }, { transport: network.connect(`node-${member}`), subjects });
  const nodes = [node(members[0]), node(members[1]), node(members[2])] as const;
  const transport = network.connect("gateway");
  const gateway = new Gateway(
    { ...OPTIONS, ...options },
    {
      transport,
      watchTransport: network.connect("gateway"),
      prng: seededPrng(8),
      subjects,
      tracer,
      drawLeaseId: () => DRAWN_LEASE,
      drawId: () => (drawn += 1n),
      ...time,
    },
  );
  return { network, subjects, transport, gateway, nodes };
}
