import { VirtualTime } from "@quorate/actor";
import { randomInteger, seededPrng } from "@quorate/base";
import type { MemberId } from "@quorate/raft";
import { MemoryNetwork } from "@quorate/transport";
import { parseClusterName, Subjects } from "@quorate/wire";
import { checkDurable } from "../checkers/durability";
import type { Version } from "../checkers/history";
import { SimulatedClient } from "./simulated-client";
import { SimulatedGateway } from "./simulated-gateway";
import { SimulatedMember } from "./simulated-member";

const FORMER = { id: 0xc1n, name: "sim" };
const NEW = { id: 0xc2n, name: "sim-2" };
const IDS = [1n, 2n, 3n].map((id) => id as MemberId);
const STEADY = { turnMsMax: 20, stallChance: 0, stallMsMax: 0 };

// Goal: what --force-new-cluster promises. Method: three members on simulated disks lose power in the middle of writes; the one that
// led becomes a cluster of its own, and the others come back in their old one, where they are a majority.
describe("a new cluster made of the leader of a lost one", () => {
  it.each(Array.from({ length: 6 }, (_, at) => at + 1))(
    "has every acknowledged write, and hears nothing of the former one (seed %i)",
    (seed) => {
      const time = new VirtualTime();
      const prng = seededPrng(seed);
      const network = new MemoryNetwork({}, { clock: time, scheduler: time, prng });
      const subjects = new Subjects(parseClusterName(FORMER.name));
      const members = IDS.map((memberId, at) => {
        const options = {
          name: `n${at + 1}`,
          memberId,
          clusterId: FORMER.id,
          configuration: { incoming: IDS, outgoing: [], learners: [] },
          logSpeed: STEADY,
          applySpeed: STEADY,
          cacheBytesMax: 1024 * 1024,
          autoCompaction: undefined,
          logKeepEntries: 20,
          logKeepBytesMax: 1024 * 1024,
          snapshotChunkBytes: 512 * 1024,
          quota: { quotaBytes: Infinity, alarmClearing: "auto" },
          mixesBuilds: false,
          strictAnchor: false,
        } as const;
        const ignore = { applied: () => undefined, spaceAlarm: () => undefined, damaged: () => undefined };
        return new SimulatedMember(options, { time, prng, network, subjects, ...ignore });
      });
      const clientOf = (number: number, cluster: string): SimulatedClient => {
        const gateway = new SimulatedGateway(
          { id: BigInt(number), timeoutMs: 3000 },
          {
            time,
            subjects: new Subjects(parseClusterName(cluster)),
            transport: network.connect(`g${number}`),
          },
        );
        const keys = [`${number}/a`, `${number}/b`];
        return new SimulatedClient(
          { number, keys, thinkMsMax: 20, mix: "register" },
          { time, prng, gateway },
        );
      };

      const writers = [1, 2, 3].map((number) => clientOf(number, FORMER.name));
      for (const part of [...members, ...writers]) part.start();
      time.advance(8000 + randomInteger(prng, 0, 2000));
      const leader = members.find(({ id, node }) => node!.status().leader === id)!;
      for (const member of members) member.crash(true);
      for (const writer of writers) writer.stop();
      time.advance(4000); // all that was under way is unknown by now

      expect(leader.refound(NEW.id, NEW.name)).toMatchObject({ kind: "due" });
      for (const member of members) member.start();
      time.advance(8000);
      const others = members.filter((member) => member !== leader);
      // The former cluster lives again, on its own, and the new one is alone.
      for (const { node } of others) expect(others.map(({ id }) => id)).toContain(node!.status().leader);
      expect(leader.node!.status()).toMatchObject({ leader: leader.id, clusterId: NEW.id });
      expect(leader.node!.status().members.map(({ id }) => id)).toEqual([leader.id]);

      const reader = clientOf(9, NEW.name);
      const stranger = clientOf(8, FORMER.name);
      for (const client of [reader, stranger])
        client.final({ kind: "put", key: "whose", value: "" }, () => undefined);
      time.advance(2000);
      const read = (key: string): readonly Version[] => {
        let kvs: readonly Version[] | undefined;
        reader.final({ kind: "range", key }, ({ outcome }) => {
          if (outcome.kind === "ok" && outcome.result.kind === "range") ({ kvs } = outcome.result);
        });
        time.advance(500);
        if (kvs === undefined) throw new Error(`${key} cannot be read`);
        return kvs;
      };
      const [written] = reader.operations.map(({ outcome }) => outcome);
      if (written?.kind !== "ok") throw new Error("the new cluster takes no writes");
      for (let again = 0; again < 5; again += 1)
        expect(read("whose")).toMatchObject([{ modRevision: written.revision }]);

      const operations = writers.flatMap((writer) => writer.operations);
      const keys = new Set(operations.flatMap(({ request }) => ("key" in request ? [request.key] : [])));
      checkDurable(operations, [...keys].flatMap(read));
      for (const writer of writers) expect(writer.operations.length).toBeGreaterThan(10);
    },
  );
});
