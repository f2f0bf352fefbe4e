import { copyFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseGatewayOptions } from "@quorate/kv-gateway";
import { EXIT, parseNodeOptions } from "@quorate/raft-node";
import { STATELESS_EXIT } from "@quorate/telemetry";
import { parseFanoutOptions } from "@quorate/watch-fanout";

import { parseMemberOptions } from "../../services/quorate/src/member/member-options";
import { run } from "../harness/child-process";
import { findProgram } from "../harness/etcd-server";
import { repositoryRoot } from "../harness/repository";
import { temporaryFolder } from "../harness/temporary-folder";

const folder = join(repositoryRoot, "infra", "systemd");
const units = readdirSync(folder).filter((file) => file.endsWith(".service"));
const ours = units.filter((file) => file !== "quorate-broker.service");

/** Bad options, and all that another start does not change. */
const LEFT_DOWN = [
  2,
  STATELESS_EXIT.cannotStart,
  ...[EXIT.dataDirectory, EXIT.fenced, EXIT.memberRemoved, EXIT.unsupportedVersion],
];
/** What may be over by the next start. */
/** What a broker forbids it may allow once its configuration has been loaded again. */
const STARTED_AGAIN = [
  EXIT.brokerUnavailable,
  EXIT.storageFailed,
  EXIT.invariantBroken,
  EXIT.alreadyRunning,
  EXIT.brokerDenied,
];

describe("the systemd units", () => {
  it.each(ours)("%s: is started again, unless that does not help", (file) => {
    expect(settingOf(file, "Restart")).toBe("on-failure");
    expect(settingOf(file, "RestartPreventExitStatus")).toBe(LEFT_DOWN.join(" "));
  });

  it("have an opinion on every exit code", () => {
    const codes = [...Object.values(EXIT), ...Object.values(STATELESS_EXIT)].filter((code) => code !== 0);
    expect(codes.filter((code) => ![...LEFT_DOWN, ...STARTED_AGAIN].includes(code))).toEqual([]);
  });

  it("are told what the programs take", () => {
    const variables = environmentOf("member.env");
    const { options, warnings } = parseMemberOptions(flagsOf("quorate-member.service").slice(1), variables);
    expect(warnings).toEqual([]);
    expect(options).toMatchObject({ name: "m1", dataDir: "/var/lib/quorate/member", clientCertAuth: true });
    const node = ["NAME=m1", "MEMBER_ID=a1", "CLUSTER=prod", "CLUSTER_ID=c1", "INITIAL_CLUSTER=m1=a1"];
    const nodeVariables = Object.fromEntries(
      node.map((each) => [`QUORATE_${each.slice(0, each.indexOf("="))}`, each.slice(each.indexOf("=") + 1)]),
    );
    expect(parseNodeOptions(flagsOf("raft-node@.service"), nodeVariables).dataDir).toBe(
      "/var/lib/quorate/raft-node-1",
    );
    expect(parseGatewayOptions(flagsOf("kv-gateway@.service"), {}).name).toBe("1");
    expect(parseFanoutOptions(flagsOf("watch-fanout@.service"), {}).name).toBe("1");
  });

  it("give processes time to end in order, and tell none but the first", () => {
    const graceSeconds = parseGatewayOptions([], {}).shutdownGraceMs / 1000;
    for (const file of ours) {
      expect(Number(settingOf(file, "TimeoutStopSec"))).toBeGreaterThan(5 * graceSeconds);
      expect(settingOf(file, "KillMode")).toBe("mixed");
    }
  });

  it("shut processes in alike", () => {
    const walls = /^(NoNewPrivileges|Capability|Protect|Private|Restrict|Lock|SystemCall)/;
    const wallsOf = (file: string): string[] =>
      textOf(file)
        .split("\n")
        .filter((line) => walls.test(line) && !line.startsWith("RestartPrevent"));
    expect(wallsOf("quorate-member.service")).toContain("ProtectSystem=strict");
    for (const file of units) expect(wallsOf(file)).toEqual(wallsOf("quorate-member.service"));
  });

  (findProgram("systemd-analyze") === undefined ? it.skip : it)(
    "have nothing that systemd would complain about",
    async () => {
      await using place = await temporaryFolder("units");
      for (const file of units) {
        const path = join(place.path, file.replace("@.", "@1."));
        copyFileSync(join(folder, file), path);
        // It looks for the program, too, which is not installed here.
        writeFileSync(path, textOf(file).replace(/^ExecStart=\S+/m, "ExecStart=/bin/true"));
        const { exitCode, stderr } = await run("systemd-analyze", ["verify", "--man=no", path], {
          timeoutMs: 30_000,
        });
        expect({ file, exitCode, stderr }).toEqual({ file, exitCode: 0, stderr: "" });
      }
    },
    60_000,
  );
});

function textOf(file: string): string {
  return readFileSync(join(folder, file), "utf8");
}

function settingOf(file: string, name: string): string | undefined {
  return new RegExp(`^${name}=(.*)$`, "m").exec(textOf(file))?.[1];
}

/** Of the instance 1, where there are several. */
function flagsOf(file: string): string[] {
  return settingOf(file, "ExecStart")!.replaceAll("%i", "1").split(" ").slice(1);
}

function environmentOf(file: string): Record<string, string> {
  const lines = textOf(file)
    .split("\n")
    .filter((line) => /^[A-Z]/.test(line));
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );
}
