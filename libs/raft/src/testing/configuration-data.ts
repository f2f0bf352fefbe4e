import { assertNever, hexId, parseHexId, textOf, utf8 } from "@quorate/base";
import { changeConfiguration, type ConfigurationChange } from "../configuration/change";
import type { Configuration, Entry, MemberId } from "../types";

/** The data of configuration entries in specs, where the real ones belong to the shell: "replace 1 4"; nothing leaves. */
export function configurationData(change: ConfigurationChange): Uint8Array {
  return utf8(describeChange(change));
}

export function changeOf(data: Uint8Array): ConfigurationChange {
  if (data.length === 0) return { kind: "leave-joint" };
  const [kind, ...ids] = textOf(data).split(" ");
  const [member, by] = ids.map((id) => parseHexId(id) as MemberId);
  if (kind === "replace") return { kind, member: member!, by: by! };
  return { kind: kind as "add-voter", member: member! };
}

/** What a state machine would make of `entries`; a change that does not fit changes nothing. */
export function configurationAfter(configuration: Configuration, entries: readonly Entry[]): Configuration {
  let result = configuration;
  for (const { type, data } of entries) {
    if (type !== "configuration") continue;
    const change = changeConfiguration(result, changeOf(data));
    if (change.ok) result = change.configuration;
  }
  return result;
}

export function describeChange(change: ConfigurationChange): string {
  switch (change.kind) {
    case "leave-joint":
      return change.kind;
    case "replace":
      return `${change.kind} ${hexId(change.member)} ${hexId(change.by)}`;
    case "add-learner":
    case "add-voter":
    case "promote":
    case "remove":
      return `${change.kind} ${hexId(change.member)}`;
    default:
      return assertNever(change);
  }
}
