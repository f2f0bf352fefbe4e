import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";

import type { MemberId } from "@quorate/raft";
import type { MembershipChange } from "@quorate/state-machine";
import {
  decodeMembershipResult,
  decodeNodeStatus,
  decodeProposeResponse,
  encodeMembershipOrder,
  parseClusterName,
  Subjects,
  type MembershipOrder,
  type NodeAnswer,
  type NodeMember,
  type NodeStatus,
} from "@quorate/wire";
import { CapturedOutput, killAndWait } from "../harness/child-process";
import { eventually } from "../harness/eventually";
import { leaderOf } from "../harness/member-states";
import { NatsCaller } from "../harness/nats-caller";
import { QuorateCluster } from "../harness/quorate-cluster";
import { temporaryFolder, type TemporaryFolder } from "../harness/temporary-folder";

const JOINER = 0xd4n as MemberId;
const REMOVED = 77;

// Goal: members come and go, and the leadership moves, while real processes run. Method: orders to the raft-nodes themselves,
// as a gateway gives them. One cluster lives through all of it, so the tests build on each other.
describe("the membership of a running cluster", () => {
  let cluster: QuorateCluster;
  let caller: NatsCaller;
  let folder: TemporaryFolder;
  let joiner: ChildProcess | undefined;
  let output: CapturedOutput;
  let nextChange = 1n;

  beforeAll(async () => {
    folder = await temporaryFolder("membership");
    cluster = await QuorateCluster.start({ members: 3 });
    caller = await NatsCaller.connect(cluster.brokerUrl);
  }, 60_000);

  afterAll(async () => {
    if (joiner !== undefined) await killAndWait(joiner);
    await caller?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  }, 60_000);

  it("is known to all of its members from the beginning", async () => {
    const members = await listed(await leaderOf(cluster, 10_000));
    expect(members.map(({ name }) => name).sort()).toEqual(["n1", "n2", "n3"]);
  }, 30_000);

  it("takes in a learner, which gets everything from the log, and makes it a voter", async () => {
    const add: MembershipChange = {
      kind: "add",
      member: { id: JOINER, name: "", peerUrls: ["nats://n4"], clientUrls: [] },
      learner: true,
      learnersMax: 1,
    };
    expect(await changed(add)).toContainEqual(expect.objectContaining({ id: JOINER, learner: true }));
    startJoiner();
    await cluster.untilWritable(10_000);
    // Refused until it has caught up and answers.
    const members = await eventually(
      "the learner to be promoted",
      { withinMs: 20_000, everyMs: 200 },
      async () => {
        const answer = await order({ kind: "change", request: request({ kind: "promote", id: JOINER }) });
        return membersIn(answer);
      },
    );
    expect(members).toContainEqual(expect.objectContaining({ id: JOINER, learner: false }));
    await eventually("the new member to agree", { withinMs: 10_000, everyMs: 100 }, async () => {
      const [own, theirs] = [await statusOf(JOINER), await statusOf(idOf("n1"))];
      return own.appliedIndex === theirs.appliedIndex && own.effectHash === theirs.effectHash;
    });
  }, 60_000);

  it("moves the leadership to a voter that is named, and to nobody else", async () => {
    const refused = await order({ kind: "move-leader", to: 0xdeadn as MemberId });
    expect(refused).toMatchObject({ results: [{ ok: false, failure: { code: "bad-transferee" } }] });
    expect(await order({ kind: "move-leader", to: JOINER })).toMatchObject({ results: [{ ok: true }] });
    expect((await statusOf(idOf("n1"))).leader).toBe(JOINER);
    await cluster.untilWritable(10_000);
  }, 30_000);

  it("lets an orderly stopped leader hand over before it ends", async () => {
    const before = (await statusOf(idOf("n1"))).term;
    joiner!.kill("SIGTERM");
    const code = await new Promise((resolve) => joiner!.once("exit", resolve));
    expect(code).toBe(0);
    // Nobody had to find out by waiting: the next leader was there when the process ended.
    const { term, leader } = await statusOf(idOf("n1"));
    expect(term).toBe(before + 1);
    expect(leader).not.toBe(JOINER);
    startJoiner();
    await eventually("the member to be back", { withinMs: 10_000, everyMs: 100 }, async () => {
      const { leader: known } = await statusOf(JOINER);
      return known !== undefined;
    });
  }, 40_000);

  it("tells a removed member, which ends by itself and does not start again", async () => {
    const ended = new Promise((resolve) => joiner!.once("exit", resolve));
    await eventually("the cluster to let it go", { withinMs: 10_000, everyMs: 200 }, async () =>
      membersIn(await order({ kind: "change", request: request({ kind: "remove", id: JOINER }) })),
    );
    expect(await ended).toBe(REMOVED);
    expect(output.stdout + output.stderr).toMatch(/removed this member/);
    startJoiner();
    expect(await new Promise((resolve) => joiner!.once("exit", resolve))).toBe(REMOVED);
    await cluster.untilWritable(10_000);
  }, 60_000);

  it("does not take a removed member in again under its id", async () => {
    const member = { id: JOINER, name: "", peerUrls: ["nats://n5"], clientUrls: [] };
    const answer = await order({
      kind: "change",
      request: request({ kind: "add", member, learner: true, learnersMax: 1 }),
    });
    expect(answer).toMatchObject({ results: [{ ok: false, failure: { code: "member-not-found" } }] });
  }, 30_000);

  it("lets a leader remove itself", async () => {
    const leader = await leaderOf(cluster, 10_000);
    await changed({ kind: "remove", id: idOf(leader) });
    const other = cluster.members.find((name) => name !== leader)!;
    await eventually("another leader", { withinMs: 10_000, everyMs: 100 }, async () => {
      const { leader: known, members } = await statusOf(idOf(other));
      return known !== undefined && known !== idOf(leader) && members.length === 2;
    });
    await cluster.untilWritable(10_000);
  }, 40_000);

  /** A raft-node as an operator would start it on another host, from the command of n1. */
  function startJoiner(): void {
    const options: Record<string, string | undefined> = {
      name: "n4",
      "member-id": JOINER.toString(16),
      "data-dir": join(folder.path, "n4"),
      "initial-cluster-state": "join",
      "initial-cluster": undefined,
      "client-urls": undefined,
    };
    const [program = "", ...args] = cluster.process("n1").command;
    const kept: string[] = [];
    for (let at = 0; at < args.length; at += 1) {
      const name = args[at]!.replace(/^--/, "");
      if (args[at]!.startsWith("--") && name in options) at += 1;
      else kept.push(args[at]!);
    }
    const given = Object.entries(options).flatMap(([name, value]) =>
      value === undefined ? [] : [`--${name}`, value],
    );
    joiner = spawn(program, [...kept, ...given], { stdio: ["ignore", "pipe", "pipe"] });
    output = new CapturedOutput(joiner);
  }

  function idOf(name: string): MemberId {
    return BigInt(`0x${cluster.process(name).memberId ?? "0"}`) as MemberId;
  }

  function request(change: MembershipChange): { changeId: bigint; change: MembershipChange } {
    return { changeId: nextChange++, change };
  }

  function subject(member: MemberId, operation: "membership" | "status"): string {
    return new Subjects(parseClusterName(cluster.name)).node(member, operation);
  }

  async function statusOf(member: MemberId): Promise<NodeStatus> {
    const { data } = await caller.request(subject(member, "status"), { data: new Uint8Array(0) }, 2000);
    return decodeNodeStatus(data);
  }

  async function listed(name: string): Promise<readonly NodeMember[]> {
    return (await statusOf(idOf(name))).members;
  }

  /** Whatever the leader of the moment answers. */
  async function order(order: MembershipOrder["order"]): Promise<NodeAnswer> {
    return eventually("the leader to answer", { withinMs: 15_000, everyMs: 100 }, async () => {
      const { leader } = await statusOf(idOf("n1"));
      if (leader === undefined) return undefined;
      const data = encodeMembershipOrder({ order, skipHealthCheck: false });
      const { data: answered } = await caller.request(subject(leader, "membership"), { data }, 10_000);
      const answer = decodeProposeResponse(answered);
      return answer.kind === "refused" ? undefined : answer;
    });
  }

  async function changed(change: MembershipChange): Promise<readonly NodeMember[]> {
    const answer = await order({ kind: "change", request: request(change) });
    const members = membersIn(answer);
    if (members === undefined) throw new Error(`refused: ${JSON.stringify(answer)}`);
    return members;
  }

  function membersIn(answer: NodeAnswer): readonly NodeMember[] | undefined {
    const [result] = answer.kind === "results" ? answer.results : [];
    return result?.ok === true ? decodeMembershipResult(result.bytes).members : undefined;
  }
});
