import { VirtualTime } from "@quorate/actor";
import { seededPrng, utf8 } from "@quorate/base";
import type { Revision } from "@quorate/mvcc";
import type { MemberId } from "@quorate/raft";
import type { Command, CommittedEntry } from "@quorate/state-machine";
import { SILENT_LOGGER } from "@quorate/telemetry";
import { MemoryNetwork } from "@quorate/transport";
import {
  decodeMaintenanceRequest,
  encodeReadResponse,
  etcdserverpb,
  parseClusterName,
  Subjects,
} from "@quorate/wire";
import { putRequest } from "../../libs/mvcc/src/testing/requests";
import { StateFixture } from "../../libs/state-machine/src/testing/state-fixture";
import type { NodeView } from "../../services/raft-node/src/actors/raft-actor";
import { HashCheck } from "../../services/raft-node/src/integrity/hash-check";
import { judgeHashes, type HashVerdict } from "../../services/raft-node/src/integrity/hash-verdict";
import { SmallCluster } from "../simulation/small-cluster";

const [A, B, C] = [1n, 2n, 3n] as [MemberId, MemberId, MemberId];
const SUBJECTS = new Subjects(parseClusterName("c"));
const put = (key: string): Command => ({ kind: "put", request: putRequest(key, "v") });

/** The comparison as member A makes it, of members that answer with a hash, or with nothing. */
function comparison(hashes: ReadonlyMap<MemberId, number>, compactRevision = () => 2) {
  const time = new VirtualTime();
  const network = new MemoryNetwork({}, { clock: time, scheduler: time, prng: seededPrng(1) });
  for (const member of [A, B, C]) {
    const transport = network.connect(`${member}`);
    transport.subscribe(SUBJECTS.node(member, "maintenance"), ({ payload, reply }) => {
      const hash = hashes.get(member);
      const { query } = decodeMaintenanceRequest(payload);
      if (hash === undefined || (query.kind !== "hash-kv" && query.kind !== "hash-state")) return;
      const response = { hash, compactRevision: compactRevision(), hashRevision: query.revision };
      const bytes = etcdserverpb.HashKVResponse.encode(response).finish();
      transport.publish(reply!, encodeReadResponse({ kind: "results", results: [{ ok: true, bytes }] }));
    });
  }
  const verdicts: HashVerdict[] = [];
  const configuration = { incoming: [A, B, C], outgoing: [], learners: [] };
  const check = new HashCheck(
    { memberId: A, everyMs: 60_000 },
    {
      transport: network.connect("check"),
      subjects: SUBJECTS,
      clock: time,
      logger: SILENT_LOGGER,
      view: () => {
        const position = { revision: 10 as Revision, compactRevision: compactRevision() as Revision };
        return {
          raft: { role: "leader", established: true, configuration },
          position,
        } as unknown as NodeView;
      },
      judged: (verdict) => verdicts.push(verdict),
    },
  );
  const run = (milliseconds: number): void => {
    for (let passed = 0; passed < milliseconds; passed += 500) {
      check.tick();
      time.advance(500);
    }
  };
  return { check, verdicts, run, time };
}

describe("members that differ", () => {
  it("etcd #13766: one that did something twice differs in its effect hash, whatever revisions the others can be asked for", () => {
    const entries = (...batches: Command[][]): CommittedEntry[] =>
      batches.map((commands, at) => ({ index: at + 1, term: 1, commands }));
    const [sound, doubled] = [new StateFixture(), new StateFixture()];
    sound.apply(entries([put("a")], [put("b")], [put("c")]));
    doubled.apply(entries([put("a")], [put("b"), put("b")], [put("c")]));
    expect(doubled.machine.position.index).toBe(sound.machine.position.index);
    expect(doubled.machine.position.revision).toBe(sound.machine.position.revision + 1);
    expect(doubled.machine.position.effectHash).not.toBe(sound.machine.position.effectHash);
  });

  it("etcd #13766: who cannot be asked is not taken for equal: of two that differ neither is right", () => {
    expect(judgeHashes([A, B, C], new Map([[A, 1], [B, 2]]))).toEqual({ kind: "undecided" }); // prettier-ignore
    const { check, run, time } = comparison(new Map([[A, 1], [B, 2]])); // prettier-ignore
    const told: unknown[] = [];
    check.initially((why) => told.push(why));
    run(60_000);
    time.advance(1000);
    expect(told).toEqual([]); // A does not serve: it may be the one that is wrong
  });

  it("etcd #8313: a member compares its state with the others' before it serves, and does not if it stands alone", () => {
    const { check, time } = comparison(new Map([[A, 9], [B, 1], [C, 1]])); // prettier-ignore
    const told: unknown[] = [];
    check.initially((why) => told.push(why));
    time.advance(20_000);
    expect(told).toEqual([expect.stringMatching(/differ at revision 10/)]);
  });

  it("etcd #14325: a compaction just before a comparison does not keep it from finding anything", () => {
    let compacted = 2;
    const hashes = new Map([[A, 1], [B, 2], [C, 1]]); // prettier-ignore
    const { verdicts, run } = comparison(hashes, () => compacted);
    run(59_000);
    compacted = 9;
    run(3 * 60_000);
    expect(verdicts).toContainEqual({ kind: "minority", members: [B] });
  });

  it("etcd #14828: the majority says who is wrong, and only that one is named", () => {
    const { verdicts, run } = comparison(new Map([[A, 1], [B, 1], [C, 7]])); // prettier-ignore
    run(61_000);
    expect(verdicts).toEqual([{ kind: "minority", members: [C] }]);
  });

  it("nats-server #7556: a member with damaged data fences itself; the others keep theirs and go on", async () => {
    const cluster = new SmallCluster(1);
    const key = utf8("k");
    expect(await cluster.write(3, key)).toBe(3);
    const [victim] = cluster.followers;
    victim!.plant("latest", key, undefined); // a row is gone from under it
    expect(await cluster.write(5, key)).toBe(5);
    expect([...cluster.fenced.keys()]).toEqual([victim]);
    expect(cluster.alarms).toEqual([[victim!.id], [victim!.id]]);
    expect(await cluster.write(3, key)).toBe(3);
    expect(await cluster.keys("k")).toEqual(new Set(["k"]));
  }, 60_000);
});
