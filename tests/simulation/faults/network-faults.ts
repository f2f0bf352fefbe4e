import { between } from "./cuts";
import { chosen, DONE, everyone, others, victimOf, type Begin, type End, type World } from "./world";

export const isolate: Begin<"isolate"> = (world, { victim }) => {
  const name = victimOf(world, victim)?.name;
  return name === undefined ? undefined : world.cuts.cut(between([name], others(world, [name])));
};

export const isolateWatching: Begin<"isolate-watching"> = (world, { pick, from }) => {
  const { name } = world.watching[pick % world.watching.length]!;
  return world.cuts.cut(between([name], chosen(others(world, [name]), from)));
};

export const halves: Begin<"halves"> = (world, { left }) => {
  const names = chosen(everyone(world), left);
  return world.cuts.cut(between(names, others(world, names)));
};

/** Two halves, and one member that reaches both. */
export const bridge: Begin<"bridge"> = (world, { left, victim }) => {
  const name = victimOf(world, victim)?.name;
  if (name === undefined) return undefined;
  const names = chosen(others(world, [name]), left);
  return world.cuts.cut(between(names, others(world, [...names, name])));
};

/** Each member reaches the one before and the one after it only: of three all, of five two. */
export const ring: Begin<"ring"> = ({ members, cuts }) => {
  const names = members.filter(({ started }) => started).map(({ name }) => name);
  if (names.length < 4) return undefined;
  const far = names.flatMap((name, at) =>
    names.slice(at + 2, names.length - (at === 0 ? 1 : 0)).flatMap((other) => between([name], [other])),
  );
  return cuts.cut(far);
};

export const oneWay: Begin<"one-way"> = (world, { victim, deaf }) => {
  const name = victimOf(world, victim)?.name;
  if (name === undefined) return undefined;
  return world.cuts.cut(
    others(world, [name]).map((other) => (deaf ? ([other, name] as const) : ([name, other] as const))),
  );
};

export const clog: Begin<"clog"> = (world, { victim, way, atMs, forMs }) => {
  const name = victimOf(world, victim)?.name;
  if (name === undefined) return undefined;
  const { faults } = world.network;
  for (const other of others(world, [name])) {
    if (way !== "in") faults.clogOneWay(name, other, atMs + forMs);
    if (way !== "out") faults.clogOneWay(other, name, atMs + forMs);
  }
  return DONE;
};

function connected(world: World): string[] {
  return [...world.members, ...world.watching].filter(({ running }) => running).map(({ name }) => name);
}

/** Also of a slow consumer: it is the time that tells them apart. */
export function disconnect(world: World, { pick }: { readonly pick: number }): End | undefined {
  const names = connected(world);
  const name = names[pick % names.length];
  if (name === undefined) return undefined;
  world.network.disconnect(name);
  return () => world.network.reconnect(name);
}

export const replay: Begin<"replay"> = ({ network }, { from, count }) =>
  network.replay(from / 100, count) === 0 ? undefined : DONE;

export const weather: Begin<"weather"> = ({ network }, fault) => {
  const { lossChance, duplicateChance, reorderChance, reorderMs, outliveChance, interestLagMs } = fault;
  network.faults.setEverywhere({
    delayMs: { min: 0, max: fault.delayMs },
    lossChance,
    duplicateChance,
    reorderChance,
    reorderMs,
    outliveChance,
    interestLagMs,
  });
  return DONE;
};

export const brokerCrash: Begin<"broker-crash"> = ({ brokers }, { broker, reconnectMs }) =>
  brokers.crash(broker, reconnectMs);

export const brokerPause: Begin<"broker-pause"> = ({ brokers }, { broker, atMs, forMs }) => {
  brokers.pause(broker, atMs + forMs);
  return DONE;
};

export const routeCut: Begin<"route-cut"> = ({ brokers }, { broker }) => brokers.cutRoute(broker);
