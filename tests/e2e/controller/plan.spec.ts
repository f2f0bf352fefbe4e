import { between, compare } from "@quorate/client";

import { deploymentKey, podKey, type Pod } from "./model";
import { stepsFor, type Held, type Observed } from "./plan";

const running: Pod = { image: "web:1", phase: "running", by: "" };

function observed(fields: Partial<Observed>, ...pods: readonly (Pod | undefined)[]): Observed {
  const declared = { modRevision: 9, value: { replicas: 2, image: "web:1" } };
  const held = pods.map((value, place): [string, Held<Pod>] => [
    podKey("web", place),
    { modRevision: 5, value },
  ]);
  return { name: "web", deployment: declared, pods: new Map(held), status: undefined, ...fields };
}

const plan = (given: Observed): string[] => stepsFor(given, "controller-a").map(({ what }) => what);
const told = { modRevision: 11, value: { replicas: 2, running: 2, declaredAt: 9, by: "controller-b" } };

describe("stepsFor", () => {
  it("creates what is missing, and tells how it stands", () => {
    expect(plan(observed({}, running))).toEqual(["create /pods/web/0001", "tell /status/web 1/2"]);
  });

  it("has nothing to do if all is as declared, whoever did it", () => {
    expect(plan(observed({ status: told }, running, running))).toEqual([]);
  });

  it("removes what is too much before anything else", () => {
    expect(plan(observed({ status: told }, { ...running, image: "web:0" }, running, running))).toEqual([
      ...["delete /pods/web/0002", "replace /pods/web/0000", "tell /status/web 1/2"],
    ]);
  });

  it("replaces what has failed and what cannot be read", () => {
    expect(plan(observed({ status: told }, { ...running, phase: "failed" }, undefined))).toEqual([
      ...["replace /pods/web/0000", "replace /pods/web/0001", "tell /status/web 0/2"],
    ]);
  });

  it("removes all that belongs to what is declared no more", () => {
    expect(plan(observed({ deployment: undefined, status: told }, running))).toEqual([
      ...["delete /pods/web/0000", "delete /status/web"],
    ]);
  });

  it("leaves alone what belongs to a declaration that cannot be read", () => {
    expect(plan(observed({ deployment: { modRevision: 9, value: undefined } }, running))).toEqual([]);
  });

  it("creates only where nobody is, and only while nobody is in a place beyond", () => {
    const [create] = stepsFor(observed({}, running), "controller-a");
    expect(create?.conditions.slice(1)).toEqual([
      compare.missing("/pods/web/0001"),
      compare.version(between("/pods/web/0002", "/pods/web0"), "=", 0),
    ]);
  });

  it("makes every step depend on the declaration that it was decided upon", () => {
    const steps = stepsFor(observed({}, { ...running, phase: "failed" }, running, running), "controller-a");
    for (const { conditions } of steps) {
      const keys = conditions.map(({ message }) => Buffer.from(message.key ?? []).toString());
      expect(keys).toContain(deploymentKey("web"));
    }
  });
});
