import { checkSetUp, skippedBecause } from "./docker-access";
import { ExternalCluster } from "./external-cluster";
import {
  allOf,
  cutOff,
  followers,
  freeze,
  kill,
  mute,
  named,
  slow,
  split,
  theLeader,
  theLeaderAnd,
} from "./faults";
import { NEXT_IMAGE } from "./images";
import { Trial } from "./trial";

const START_MS = 180_000;
const STEP_MS = 180_000;
const FAULTS = 13;

// Goal: the same as of a stacked cluster, where brokers, members, gateways and fan-outs fail each on their own. Method: the same.
(skippedBecause() === undefined ? describe : describe.skip)("an external cluster in containers", () => {
  const seed = Number(process.env["QUORATE_SEED"] ?? Date.now() % 1_000_000);
  let cluster: ExternalCluster;
  let trial: Trial;

  beforeAll(async () => {
    checkSetUp();
    cluster = await ExternalCluster.start({ brokers: 3, members: 5, gateways: 2, fanouts: 2 });
    const workloads = ["register", "list-append", "leases"] as const;
    trial = await Trial.start({ title: "external", seed, workloads }, cluster);
  }, START_MS);

  afterAll(async () => {
    await trial?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
  }, 60_000);

  const step = (what: string, test: () => Promise<void>): void => it(what, test, STEP_MS);

  step("serves while a broker is dead", () => trial.endure(kill({ cluster, victims: named("broker1") })));

  step("serves while a broker is frozen", () => trial.endure(freeze({ cluster, victims: named("broker2") })));

  step("serves while a broker hears all others and is heard by none", () =>
    trial.endure(mute({ cluster, victims: named("broker3") })),
  );

  step("serves while its leader is dead", () => trial.endure(kill({ cluster, victims: theLeader })));

  step("serves while a minority with its leader is cut off", () =>
    trial.endure(cutOff({ cluster, victims: theLeaderAnd(2) })),
  );

  step("serves while a minority with a broker and a gateway is on its own", () =>
    trial.endure(
      split({
        cluster,
        groups: async () => {
          const minority = await theLeaderAnd(2)(cluster);
          const others = cluster.members.filter((name) => !minority.includes(name));
          return [
            ["broker1", "gateway1", ...minority],
            ["broker2", "broker3", "gateway2", "fanout1", "fanout2", "clients", ...others],
          ];
        },
      }),
    ),
  );

  step("acknowledges nothing while no part of it has a majority", () =>
    trial.endure(
      split({
        cluster,
        meanwhile: "stalled",
        groups: async ({ members: [a, b, c, d, e] }) => [
          ["broker1", a!, b!],
          ["broker2", c!, d!],
          ["broker3", e!],
        ],
      }),
    ),
  );

  step("serves while a gateway and a fan-out are dead, whose clients go to the others", () =>
    trial.endure(kill({ cluster, victims: named("gateway1", "fanout1") })),
  );

  step("serves while links of its leader are slow", () =>
    trial.endure(slow({ cluster, victims: theLeader })),
  );

  step("serves while a minority is frozen", () =>
    trial.endure(freeze({ cluster, victims: theLeaderAnd(2) })),
  );

  step("acknowledges nothing while three of five are dead", () =>
    trial.endure(kill({ cluster, victims: followers(3), meanwhile: "stalled" })),
  );

  step("acknowledges nothing while all brokers are dead", () =>
    trial.endure(kill({ cluster, victims: allOf("nats-server"), meanwhile: "stalled" })),
  );

  step("serves while all its parts are upgraded, at most one of a kind at a time", () =>
    trial.undergo("a rolling upgrade of everything of ours", async () => {
      const kinds = (["raft-node", "kv-gateway", "watch-fanout"] as const).map((kind) =>
        cluster.namesOf(kind),
      );
      for (let turn = 0; turn < cluster.members.length; turn += 1) {
        const names = kinds.flatMap((kind) => kind.slice(turn, turn + 1));
        await Promise.all(names.map((name) => cluster.container(name).replace({ image: NEXT_IMAGE })));
        await cluster.untilWhole();
      }
    }),
  );

  step("has lost nothing in the end, and told no lie", async () => {
    process.stderr.write(`${await trial.conclude(FAULTS)}\n`);
  });
});
