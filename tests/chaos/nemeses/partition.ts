import { randomInteger, randomPick } from "@quorate/base";

import type { TcpLink } from "../../harness/tcp-link";
import { someLeader, type Nemesis, type Scene } from "../nemesis";

/** Which links: those of a member, those of the leader, one route (others still reach both ends), or all of a broker. */
export type Cut = "member" | "leader" | "route" | "broker" | "gateway";

const HOWS = {
  cut: (link) => link.cut(),
  blackhole: (link) => {
    link.shape("forth", { blocked: true });
    link.shape("back", { blocked: true });
  },
  "one way": (link) => link.shape("forth", { blocked: true }),
  "the other way": (link) => link.shape("back", { blocked: true }),
  "half-open": (link) => link.halfOpen(),
} satisfies Record<string, (link: TcpLink) => void>;

/** Links that carry nothing, or only one way, or whose ends disagree on whether they are there. */
export function partition(scene: Scene, cut: Cut): Nemesis {
  return overLinks(scene, cut, () => {
    const how = randomPick(scene.prng, Object.keys(HOWS) as (keyof typeof HOWS)[]);
    return { how, apply: HOWS[how] };
  });
}

/** Links that are late, or narrow. */
export function slowLinks(scene: Scene, cut: Cut): Nemesis {
  const { prng } = scene;
  return overLinks(scene, cut, () => {
    const delayMs = randomInteger(prng, 20, 800);
    const bytesPerSecond = randomInteger(prng, 5_000, 200_000);
    const isDelay = randomInteger(prng, 0, 1) === 0;
    const shape = isDelay ? { delayMs } : { bytesPerSecond };
    return {
      how: isDelay ? `${delayMs} ms late` : `${bytesPerSecond} bytes per second`,
      apply: (link) => {
        link.shape("forth", shape);
        link.shape("back", shape);
      },
    };
  });
}

function overLinks(
  scene: Scene,
  cut: Cut,
  draw: () => { readonly how: string; readonly apply: (link: TcpLink) => void },
): Nemesis {
  let links: readonly TcpLink[] = [];
  return {
    async start() {
      const chosen = await chosenLinks(scene, cut);
      links = chosen.links;
      const { how, apply } = draw();
      for (const link of links) apply(link);
      return `${chosen.what}: ${how}`;
    },
    async heal() {
      for (const link of links) link.heal();
    },
  };
}

async function chosenLinks(
  scene: Scene,
  cut: Cut,
): Promise<{ readonly what: string; readonly links: readonly TcpLink[] }> {
  const { cluster, prng } = scene;
  const ofProcess = (name: string) => cluster.links.filter(({ process }) => process === name);
  switch (cut) {
    case "member":
    case "leader":
    case "gateway": {
      const name =
        cut === "leader"
          ? await someLeader(scene)
          : randomPick(prng, cut === "member" ? cluster.members : cluster.namesOf("kv-gateway"));
      return { what: `links of ${name}`, links: ofProcess(name).map(({ link }) => link) };
    }
    case "route": {
      if (cluster.routes.length === 0) return { what: "no routes", links: [] };
      const { brokers, link } = randomPick(prng, cluster.routes);
      return { what: `the route ${brokers.join(" to ")}`, links: [link] };
    }
    case "broker": {
      const name = randomPick(prng, cluster.namesOf("nats-server"));
      const routes = cluster.routes.filter(({ brokers }) => brokers.includes(name));
      return { what: `all routes of ${name}`, links: routes.map(({ link }) => link) };
    }
  }
}
