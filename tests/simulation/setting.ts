import { randomChance, randomInteger, randomPick, type Prng } from "@quorate/base";
import type { Configuration, MemberId } from "@quorate/raft";
import type { QuotaOptions } from "../../services/raft-node/src/actors/quota-actor";
import type { AutoCompaction } from "../../services/raft-node/src/auto-compaction";
import type { SimulatedClientOptions } from "./simulated-client";
import type { SimulatedMemberOptions } from "./simulated-member-options";
import { limitsOf, type SmallLimits } from "./small-limits";
import { streamOf } from "./streams";

const CLIENTS = 6;
const WATCH_CLIENTS = 4;

/** What a seed has drawn of who takes part, and how they are set up. */
export interface Setting {
  /** Of all members that there may ever be; the founders come first. */
  readonly memberIds: readonly MemberId[];
  readonly founders: Configuration;
  /** Whether somebody changes the membership. */
  readonly operated: boolean;
  readonly mixesBuilds: boolean;
  /** Whether a rotten disk may lose the end of a log. */
  readonly losesLogs: boolean;
  /** Undefined: far from what is ever written. */
  readonly quota: QuotaOptions | undefined;
  /** Whether a client compacts. */
  readonly compacts: boolean;
  /** Of each member; drawn one by one, also for those who are made later. */
  readonly memberOptions: () => MemberSetting;
  readonly limits: SmallLimits;
  /** What each client asks for. */
  readonly mixes: readonly SimulatedClientOptions["mix"][];
  readonly hasListClients: boolean;
  readonly fanouts: readonly { readonly windowBytesMax: number; readonly historyChunkBytes: number }[];
  readonly watchGateways: readonly { readonly streamWindowBytes: number }[];
  readonly watchClients: readonly { readonly slowChance: number }[];
}

export type MemberSetting = Omit<SimulatedMemberOptions, "name" | "memberId" | "clusterId" | "configuration">;

/** The same for the same seed. */
export function drawSetting(seed: number): Setting {
  const prng = streamOf(seed, "cluster");
  const limits = limitsOf(seed);
  const count = randomPick(prng, [1, 3, 3, 3, 5]);
  const ids = Array.from(
    { length: count },
    (_, at) => (BigInt(prng.next()) * 16n + BigInt(at + 1)) as MemberId,
  );
  const operated = randomChance(prng, 0.5);
  const spare = operated ? randomInteger(prng, 1, 3) : 0;
  const memberIds = [...ids, ...ids.slice(0, spare).map((id) => (id + 8n) as MemberId)];
  const slow = randomChance(prng, 0.3);
  const compaction = randomPick(prng, ["none", "client", "automatic", "both"] as const);
  const autoCompaction =
    compaction === "automatic" || compaction === "both" ? drawAutoCompaction(prng) : undefined;
  const keepsLittle = randomChance(prng, 0.5);
  const logKeepEntries = keepsLittle ? randomPick(prng, [1, 5, 20]) : 5000;
  // In bytes too little for members that merely are slow.
  const logKeepBytesMax = keepsLittle ? randomPick(prng, [1000, 5000, 1024 * 1024]) : 1024 * 1024;
  const snapshotChunkBytes = randomPick(prng, [200, 2000, 512 * 1024]);
  const quota = randomChance(prng, 0.4) ? drawQuota(prng) : undefined;
  const mixesBuilds = randomChance(prng, 0.5);
  // A lagging anchor may miss what was lost last, and so may the members: only a strict one is worth a promise.
  const losesLogs = !operated && randomChance(prng, 0.8);
  const strictAnchor = losesLogs || randomChance(prng, 0.2);
  const ofMembers: Omit<MemberSetting, "cacheBytesMax"> = {
    logSpeed: { turnMsMax: slow ? 60 : 4, stallChance: slow ? 0.01 : 0, stallMsMax: 3000 },
    applySpeed: { turnMsMax: slow ? 30 : 2, stallChance: 0, stallMsMax: 0 },
    autoCompaction,
    logKeepEntries,
    logKeepBytesMax,
    snapshotChunkBytes,
    strictAnchor,
    limits,
    quota: quota ?? { quotaBytes: Infinity, alarmClearing: "auto" },
    mixesBuilds,
  };
  const memberOptions = (): MemberSetting => ({
    ...ofMembers,
    cacheBytesMax: randomPick(prng, [1, 300, 1024 * 1024]),
  });
  const drawn = memberIds.map(memberOptions);
  return {
    memberIds,
    founders: { incoming: ids, outgoing: [], learners: [] },
    operated,
    mixesBuilds,
    losesLogs,
    quota,
    compacts: quota !== undefined || compaction === "client" || compaction === "both",
    memberOptions: () => drawn.shift() ?? memberOptions(),
    limits,
    mixes: times(CLIENTS, () => randomPick(prng, ["register", "register", "txn"])),
    hasListClients: randomChance(prng, 0.4),
    fanouts: times(2, () => ({
      windowBytesMax: randomPick(prng, [1, 2000, 1024 * 1024]),
      historyChunkBytes: randomPick(prng, [1, 100, 100_000]),
    })),
    watchGateways: times(2, () => ({ streamWindowBytes: randomPick(prng, [1024, 1024 * 1024]) })),
    watchClients: times(WATCH_CLIENTS, () => ({ slowChance: randomPick(prng, [0, 0.1, 0.5]) })),
  };
}

function drawAutoCompaction(prng: Prng): AutoCompaction {
  return randomPick<AutoCompaction>(prng, [
    { mode: "revision", revisions: 10, everyMs: 700 },
    { mode: "periodic", periodMs: 1500 },
  ]);
}

function drawQuota(prng: Prng): QuotaOptions {
  return {
    quotaBytes: randomInteger(prng, 2000, 5000),
    alarmClearing: randomPick(prng, ["auto", "auto", "manual"]),
  };
}

function times<T>(count: number, draw: () => T): T[] {
  return Array.from({ length: count }, draw);
}
