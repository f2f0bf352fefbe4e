import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseClusterName } from "@quorate/wire";
import { permissionsFileText, plannedLogins } from "./broker-config-command";
import { brokerUsersText } from "./broker-users";

const CLUSTER = parseClusterName("prod");
const EXAMPLE = join(__dirname, "../../../../infra/nats/permissions.example.conf");

/** As long as a key, and none: nobody has its secret, and a broker refuses it. */
function noKey(at: number): string {
  return `UEXAMPLE${"ABCDEFGHIJKLMNOPQRSTUVWXYZ"[at]!}`.padEnd(56, "X");
}

describe("users of a broker", () => {
  it("are in the example for readers as they are written now (QUORATE_REWRITE=1 writes it anew)", () => {
    const planned = plannedLogins({
      nodes: "n1=a1,n2=a2,n3=a3",
      gateways: "gateway1",
      fanouts: "fanout1",
      clients: "app",
      admins: "ops",
      backups: "nightly",
    });
    const logins = planned.map((login, at) => ({ ...login, publicKey: noKey(at) }));
    const text = permissionsFileText({ cluster: CLUSTER, logins, admitsAnyone: false });
    if (process.env["QUORATE_REWRITE"] === "1") writeFileSync(EXAMPLE, text);
    expect(readFileSync(EXAMPLE, "utf8")).toBe(text);
  });

  it("are members bound to their ids, and no others", () => {
    const logins = plannedLogins({ nodes: "n1=0A1", gateways: "g" });
    expect(logins).toEqual([
      { name: "node-n1", roles: ["node"], member: "a1" },
      { name: "gateway-g", roles: ["gateway"] },
    ]);
  });

  it.each([
    [{ nodes: "n1" }, /NAME=ID/],
    [{ gateways: "g=a1" }, /not a name/],
    [{ clients: "a,a" }, /named twice/],
    [{ clients: "../x/y" }, /not a name/],
    [{}, /No users/],
  ])("are asked for wrongly by %j", (flags, message) => expect(() => plannedLogins(flags)).toThrow(message));

  it("have keys that tell them apart by their beginnings, which name their inboxes", () => {
    const twins = ["A", "B"].map((end) => {
      return { name: end, roles: ["client"] as const, publicKey: "U".padEnd(55, "X") + end };
    });
    expect(() => brokerUsersText({ cluster: CLUSTER, logins: twins, admitsAnyone: false })).toThrow(
      /begin alike/,
    );
  });
});
