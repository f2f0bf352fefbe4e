import { checkSetUp, skippedBecause } from "./docker-access";
import { cutOff, deafen, freeze, followers, kill, allOf, lossy, slow, split, theLeader } from "./faults";
import { NEXT_IMAGE } from "./images";
import { StackedCluster } from "./stacked-cluster";
import { Trial } from "./trial";

const START_MS = 180_000;
const STEP_MS = 180_000;
const FAULTS = 12;

// Goal: members that are a container each, with their brokers, lose nothing and tell no lie whatever happens to containers and to the
// network between them. Method: one cluster that lives through all of it under recorded clients outside and inside; in the end
// everything that they saw goes to all checkers. So the tests build on each other.
(skippedBecause() === undefined ? describe : describe.skip)("a stacked cluster in containers", () => {
  const seed = Number(process.env["QUORATE_SEED"] ?? Date.now() % 1_000_000);
  let cluster: StackedCluster;
  let trial: Trial;

  beforeAll(async () => {
    checkSetUp();
    cluster = await StackedCluster.start(3);
    const workloads = ["register", "list-append", "txn"] as const;
    trial = await Trial.start({ title: "stacked", seed, workloads }, cluster);
  }, START_MS);

  afterAll(async () => {
    await trial?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
  }, 60_000);

  const step = (what: string, test: () => Promise<void>): void => it(what, test, STEP_MS);

  step("serves while its leader is cut off", () => trial.endure(cutOff({ cluster, victims: theLeader })));

  step("serves while its leader is heard by all and hears nobody", () =>
    trial.endure(deafen({ cluster, victims: theLeader })),
  );

  step("serves while its leader is frozen", () => trial.endure(freeze({ cluster, victims: theLeader })));

  step("serves while its leader is dead, and its broker with it", () =>
    trial.endure(kill({ cluster, victims: theLeader })),
  );

  step("acknowledges nothing while no two members reach each other", () =>
    trial.endure(
      split({ cluster, meanwhile: "stalled", groups: async ({ members }) => members.map((name) => [name]) }),
    ),
  );

  step("serves while the network loses packets", () =>
    trial.endure(lossy({ cluster, victims: allOf("raft-node"), probability: 0.1 })),
  );

  step("serves while links are slow", () => trial.endure(slow({ cluster, victims: theLeader })));

  step("acknowledges nothing while two of three are dead", () =>
    trial.endure(kill({ cluster, victims: followers(2), meanwhile: "stalled" })),
  );

  step("serves while its members are restarted, one after the other", () =>
    trial.undergo("a rolling restart", async () => {
      for (const name of cluster.members) {
        expect(await cluster.container(name).stop()).toBe(0);
        await cluster.container(name).start();
        await cluster.untilWhole();
      }
    }),
  );

  step("serves while its members are upgraded, one after the other", () =>
    trial.undergo("a rolling upgrade", async () => {
      for (const name of cluster.members) {
        await cluster.container(name).replace({ image: NEXT_IMAGE });
        await cluster.untilWhole();
      }
    }),
  );

  step("serves while a member that has lost everything is replaced", () =>
    trial.undergo("a member wiped and replaced", async () => {
      const [lost] = await followers(1)(cluster);
      await cluster.container(lost!).kill();
      await cluster.leave(lost!);
      await cluster.join(lost!);
    }),
  );

  step("serves while it grows to five members, and shrinks to three again", () =>
    trial.undergo("five members, and three again", async () => {
      for (const name of ["m4", "m5"]) await cluster.join(name);
      await cluster.untilWhole();
      for (const name of ["m4", "m5"]) await cluster.leave(name);
    }),
  );

  step("has lost nothing in the end, and told no lie", async () => {
    process.stderr.write(`${await trial.conclude(FAULTS)}\n`);
  });
});
