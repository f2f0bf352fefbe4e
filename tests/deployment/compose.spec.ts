import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { InformationRequest, type Environment } from "@quorate/config";
import { parseGatewayOptions } from "../../services/kv-gateway/src/options";
import { parseMemberOptions } from "../../services/quorate/src/member/member-options";
import { parseNodeOptions } from "../../services/raft-node/src/options";
import { parseFanoutOptions } from "../../services/watch-fanout/src/options";
import { COMPOSE_FOLDER, readComposeFile, type ComposeService } from "./compose-file";

type Parse = (argv: readonly string[], env: Environment) => unknown;

/** By how a command begins, for everything that is in the image. */
const PROGRAMS: Readonly<Record<string, Parse>> = {
  "quorate member": parseMemberOptions,
  "raft-node": parseNodeOptions,
  "kv-gateway": parseGatewayOptions,
  "watch-fanout": parseFanoutOptions,
};

function programOf({ command }: ComposeService): { parse: Parse; flags: readonly string[] } | undefined {
  const words = command.findIndex((word) => word.startsWith("-"));
  const parse = PROGRAMS[command.slice(0, words).join(" ")];
  return parse && { parse, flags: command.slice(words) };
}

function helpOf(parse: Parse): string {
  try {
    parse(["--help"], {});
  } catch (error) {
    if (error instanceof InformationRequest) return error.text;
  }
  throw new Error("no help");
}

const TOPOLOGIES = ["stacked.yaml", "external.yaml"];
const stacked = readComposeFile("stacked.yaml");
const external = readComposeFile("external.yaml");
const observability = readComposeFile("observability.yaml");
const ours = [stacked, external].flatMap(({ services }) =>
  Object.entries(services).filter(([, service]) => service.image === "quorate:local"),
);
const everything = [stacked, external, observability].flatMap(({ services }) => Object.entries(services));

describe("compose files", () => {
  it("have the parts that the topologies are made of", () => {
    const count = (pattern: RegExp): number =>
      Object.keys(external.services).filter((name) => pattern.test(name)).length;
    expect(Object.keys(stacked.services)).toEqual(["m1", "m2", "m3"]);
    expect([/^b\d$/, /^n\d$/, /^gateway\d$/, /^fanout\d$/].map(count)).toEqual([3, 5, 2, 2]);
  });

  it.each(ours)("starts %s with options that its program takes, without a warning", (name, service) => {
    const { parse, flags } = programOf(service)!;
    const parsed = parse(flags, service.environment ?? {});
    expect(parsed).toMatchObject(
      "warnings" in (parsed as object) ? { options: { name }, warnings: [] } : { name },
    );
  });

  it.each(ours)("gives %s no variable that its program does not know", (_, service) => {
    const help = helpOf(programOf(service)!.parse);
    const unknown = Object.keys(service.environment ?? {}).filter(
      (variable) => !variable.startsWith("OTEL_") && !new RegExp(`\\b${variable}\\b`).test(help),
    );
    expect(unknown).toEqual([]);
  });

  it("names the same founders to all, who are the services, at the ports where they listen", () => {
    for (const [name, { command, environment }] of Object.entries(stacked.services)) {
      const founder = `${name}=http://${name}:2380`;
      expect(environment?.["QUORATE_INITIAL_CLUSTER"]?.split(",")).toContain(founder);
      expect(environment?.["QUORATE_LISTEN_PEER_URLS"]).toBe("http://0.0.0.0:2380");
      expect(command).toContain(`--advertise-client-urls=http://${name}:2379`);
    }
    const nodes = Object.entries(external.services).filter(([, { command }]) => command[0] === "raft-node");
    const founders = nodes.map(
      ([name, { command }]) =>
        `${name}=${command.find((flag) => flag.startsWith("--member-id="))?.split("=")[1]}`,
    );
    for (const [, { environment }] of nodes)
      expect(environment?.["QUORATE_INITIAL_CLUSTER"]).toBe(founders.join());
  });

  it("lets the services of the external topology reach every broker, at the port where it listens", () => {
    const brokers = Object.keys(external.services).filter((name) => /^b\d$/.test(name));
    for (const name of brokers) {
      const { command } = external.services[name]!;
      expect(command).toContain(`--name=${name}`);
      expect(command).toContain("--port=4222");
      expect(command).toContain(`--routes=${brokers.map((broker) => `nats://${broker}:6222`).join()}`);
    }
    for (const { environment, networks, depends_on: after } of Object.values(external.services).filter(
      programOf,
    )) {
      expect(environment?.["QUORATE_NATS_URL"]).toBe(brokers.map((name) => `nats://${name}:4222`).join());
      expect(networks).toContain("brokers");
      expect(after).toEqual(brokers);
    }
  });

  it("lets each gateway stand for a member that tells clients of it", () => {
    for (const [name, { command }] of Object.entries(external.services)) {
      if (command[0] !== "kv-gateway") continue;
      const home = command.find((flag) => flag.startsWith("--home-member="))?.split("=")[1];
      const member = Object.values(external.services).find((service) =>
        service.command.includes(`--member-id=${home}`),
      );
      expect(member?.command).toContain(`--client-urls=http://${name}:2379`);
    }
  });

  it("asks only those for their health who listen where the image asks", () => {
    for (const [, service] of ours) {
      const { command, environment, healthcheck } = service;
      const listens = [...command, ...Object.values(environment ?? {})].some((word) =>
        word.endsWith("http://0.0.0.0:2379"),
      );
      expect(healthcheck?.disable === true).toBe(!listens);
    }
  });

  it("publishes each port once, and only to this machine unless told", () => {
    for (const file of [
      { ...stacked.services, ...observability.services },
      { ...external.services, ...observability.services },
    ]) {
      const published = Object.values(file).flatMap(({ ports }) => ports ?? []);
      expect(published.filter((port) => !port.startsWith("127.0.0.1:"))).toEqual([]);
      const hostPorts = published.map((port) => port.split(":")[1]);
      expect(new Set(hostPorts).size).toBe(hostPorts.length);
    }
  });

  it("keeps what lasts in a volume of its own, and mounts only files that are there", () => {
    const named: string[] = [];
    for (const [, { volumes }] of everything) {
      for (const [source = ""] of (volumes ?? []).map((volume) => volume.split(":"))) {
        if (source.startsWith(".")) expect(statSync(join(COMPOSE_FOLDER, source)).isFile()).toBe(true);
        else named.push(source);
      }
    }
    expect(new Set(named).size).toBe(named.length);
    for (const file of [stacked, external, observability])
      expect(named).toEqual(expect.arrayContaining(Object.keys(file.volumes ?? {})));
    const lasting = ours.filter(([, { command }]) => ["quorate", "raft-node"].includes(command[0]!));
    expect(lasting.length).toBe(Object.keys({ ...stacked.volumes, ...external.volumes }).length);
  });

  it("declares every network that is used, and watches on one that each topology has", () => {
    for (const file of [stacked, external, observability]) {
      const used = Object.values(file.services).flatMap(({ networks }) => networks);
      expect([...new Set(used)].sort()).toEqual(Object.keys(file.networks ?? {}).sort());
    }
    for (const topology of [stacked, external]) expect(topology.networks).toHaveProperty("quorate");
  });

  it("starts everything again with the machine, and gives it time to stop in order", () => {
    for (const [, { restart }] of everything) expect(restart).toBe("unless-stopped");
    // A gateway's requests, a transferred leadership, a broker: about 8 s at the most.
    for (const [, service] of ours) expect(Number.parseInt(service.stop_grace_period!)).toBeGreaterThan(15);
  });

  it.each(TOPOLOGIES)("is told apart from the other topology by the names in %s", (name) => {
    expect(existsSync(join(COMPOSE_FOLDER, name))).toBe(true);
    const both = Object.keys(stacked.services).filter((service) => service in external.services);
    expect(both).toEqual([]);
  });
});
