import { setTimeout as pause } from "node:timers/promises";

import { randomInteger, randomPick } from "@quorate/base";
import { wireId } from "@quorate/wire";

import { CallError, EtcdClient, etcdMethods } from "../../harness/etcd-client";
import { eventually } from "../../harness/eventually";
import type { Nemesis, Scene } from "../nemesis";

const CALL_MS = 5000;
const SETTLED_WITHIN_MS = 60_000;
const EVERY_MS = [200, 1500] as const;

/** The leadership handed around. */
export function moveLeader(scene: Scene): Nemesis {
  return repeatedly(scene, "moves the leadership", async (client) => {
    const { processes } = scene.cluster;
    const ids = processes.flatMap(({ memberId }) => memberId ?? []);
    const target = BigInt(`0x${randomPick(scene.prng, ids)}`);
    await client.call(etcdMethods.moveLeader, { targetID: wireId(target) });
  });
}

/** Compaction close behind the present, with defragmentation now and then. */
export function compaction(scene: Scene): Nemesis {
  return repeatedly(scene, "compacts and defragments", async (client) => {
    await scene.compact();
    await client.call(etcdMethods.defragment, {});
  });
}

/** A learner joins, becomes a voter where it can, and goes again, with its process. */
export function membership({ cluster }: Scene): Nemesis {
  const founders = new Set(cluster.processes.flatMap(({ memberId }) => memberId ?? []));
  let joining: Promise<unknown> = Promise.resolve();
  return {
    async start() {
      // Without a majority it is refused, or takes long: others may be at work too.
      joining = cluster.addLearner().then(
        ({ memberId }) => promote(cluster.address(), memberId),
        () => undefined,
      );
      return "adds a member";
    },
    async heal() {
      await joining;
      const client = new EtcdClient({ address: cluster.address(), deadlineMs: CALL_MS });
      try {
        // Also who was added by a call without an answer, and never ran.
        await eventually(
          "who joined to be removed",
          { withinMs: SETTLED_WITHIN_MS, everyMs: 200 },
          async () => {
            const { members } = await client.memberList();
            const others = members.filter(({ ID }) => !founders.has(BigInt(String(ID)).toString(16)));
            for (const { ID } of others) await client.call(etcdMethods.memberRemove, { ID: ID ?? 0 });
            return others.length === 0;
          },
        );
      } finally {
        client.close();
      }
      for (const name of cluster.members.filter((member) => member.startsWith("joined")))
        await cluster.forget(name);
    },
  };
}

/** Tries for a while: it is refused until the learner has caught up. */
async function promote(address: string, memberId: string): Promise<void> {
  const client = new EtcdClient({ address, deadlineMs: CALL_MS });
  try {
    await eventually(`${memberId} to vote`, { withinMs: CALL_MS, everyMs: 200 }, async () => {
      await client.call(etcdMethods.memberPromote, { ID: wireId(BigInt(`0x${memberId}`)) });
      return true;
    });
  } catch {
    // It goes as a learner, then.
  } finally {
    client.close();
  }
}

function repeatedly(scene: Scene, what: string, act: (client: EtcdClient) => Promise<void>): Nemesis {
  const { cluster, prng } = scene;
  let isOver = false;
  let work: Promise<void> = Promise.resolve();
  return {
    async start() {
      const client = new EtcdClient({ address: cluster.address(), deadlineMs: CALL_MS });
      work = (async () => {
        while (!isOver) {
          await act(client).catch((error: unknown) => {
            if (!(error instanceof CallError)) throw error;
          });
          await pause(randomInteger(prng, ...EVERY_MS));
        }
        client.close();
      })();
      return what;
    },
    async heal() {
      isOver = true;
      await work;
    },
  };
}
