import { seededPrng } from "@quorate/base";

import { EtcdClient } from "../harness/etcd-client";
import { EtcdServer } from "../harness/etcd-server";
import { compareServers, describeDifferences } from "./comparison";
import { directedCases } from "./directed-requests";
import { whereEtcdIsInstalled } from "./etcd-installed";
import { learningRequests } from "./learning-requests";
import { subjectOver, type Subject } from "./outcome";

// The comparison is worth something only if it is silent about equal servers and finds a difference that is there.
whereEtcdIsInstalled("comparison of two servers", () => {
  const servers: EtcdServer[] = [];
  const clients: EtcdClient[] = [];
  let first: Subject;
  let second: Subject;

  beforeEach(async () => {
    servers.push(...(await Promise.all([EtcdServer.start(1), EtcdServer.start(1)])));
    clients.push(...servers.map(({ address }) => new EtcdClient({ address })));
    [first, second] = clients.map((client) => subjectOver(client)) as [Subject, Subject];
  }, 40_000);

  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await Promise.all(servers.splice(0).map((server) => server[Symbol.asyncDispose]()));
  });

  it("finds nothing between two instances of etcd", async () => {
    const { requests, learn } = learningRequests(seededPrng(1), 400);
    const generated = await compareServers(requests, { reference: first, subject: second }, [], learn);
    const directed = directedCases.flatMap((directedCase) => directedCase.requests);
    const byHand = await compareServers(directed, { reference: first, subject: second }, []);

    expect(describeDifferences([...generated.unexplained, ...byHand.unexplained])).toBe("");
    expect(generated.answered).toBeGreaterThan(150);
    expect(generated.refused).toBeGreaterThan(20);
  }, 60_000);

  it.each<[string, (honest: Subject) => Subject]>([
    ["another revision of a key", changing("modRevision", (revision) => `${revision}9`)],
    ["another count", changing("deleted", () => "77")],
    ["a missing previous value", changing("prevKv", () => undefined)],
    ["another revision in the header", changing("revision", () => "1")],
    ["the text of an error", changingErrors((text) => text.replace("required revision", "revision"))],
    ["a write that is lost", losingEveryTenthPut],
  ])("finds %s that was planted", async (_what, plant) => {
    const { requests, learn } = learningRequests(seededPrng(2), 400);
    const found = await compareServers(requests, { reference: first, subject: plant(second) }, [], learn);

    expect(found.unexplained).not.toEqual([]);
  });
});

/** Replaces every field of that name, at any depth. */
function changing(name: string, change: (value: string) => string | undefined) {
  return (honest: Subject): Subject =>
    async (request) => {
      const outcome = await honest(request);
      if (outcome.kind === "error") return outcome;
      const body = JSON.parse(JSON.stringify(outcome.body), (field, value: string) =>
        field === name ? change(value) : value,
      ) as typeof outcome.body;
      return { ...outcome, body };
    };
}

function changingErrors(change: (text: string) => string) {
  return (honest: Subject): Subject =>
    async (request) => {
      const outcome = await honest(request);
      return outcome.kind === "error" ? { ...outcome, text: change(outcome.text) } : outcome;
    };
}

function losingEveryTenthPut(honest: Subject): Subject {
  let puts = 0;
  return async (request) => {
    if (request.method !== "put" || (puts += 1) % 10 !== 0) return honest(request);
    // The answer is right except that nothing was written.
    const read = await honest({ method: "range", request: { key: Buffer.from("a") } });
    const revision = read.kind === "answer" ? read.revision + 1 : 0;
    return { kind: "answer", body: { header: { revision: `${revision}` } }, revision };
  };
}
