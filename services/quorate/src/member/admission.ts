import { setTimeout as delay } from "node:timers/promises";
import { hexId, textOf, utf8 } from "@quorate/base";
import type { Member } from "@quorate/client";
import type { Logger } from "@quorate/telemetry";
import type { Subscription, Transport } from "@quorate/transport";
import type { Subjects } from "@quorate/wire";
import { foundedClusterId, founderId, type Founder } from "./member-ids";
import { StoredMemberError } from "./stored-member-error";

export interface AdmissionOptions {
  readonly name: string;
  readonly peerUrls: readonly string[];
  /** All that the cluster begins with, this one too. */
  readonly founders: readonly Founder[];
  readonly token: string;
}

/** What can be known of the cluster from outside. */
export interface ClusterView {
  /** `undefined`: it does not serve. */
  members(): Promise<readonly Member[] | undefined>;
  clusterId(): Promise<bigint>;
}

export interface AdmissionDependencies {
  readonly cluster: ClusterView;
  readonly transport: Transport;
  readonly subjects: Subjects;
  readonly logger: Logger;
}

export interface Admission {
  readonly memberId: bigint;
  readonly clusterId: bigint;
  readonly origin: "founder" | "joined";
}

const ANSWER_MS = 500;
const AGAIN_MS = 300;
const TELL_EVERY_MS = 5000;

/**
 * Who a member that has no data is, if its cluster is to be founded: decided together with the other founders, because one that
 * has lost its data must not take part as if it had never had any. It has voted, and acknowledged.
 *
 * It waits until the cluster serves, which then says whether this member has ever run (or was removed and added again, and so joins),
 * or until a majority of the founders is there, and none of them has anything yet.
 *
 * @throws {StoredMemberError} This member has run before, or is no member.
 */
export async function admitFounder(
  options: AdmissionOptions,
  { cluster, transport, subjects, logger }: AdmissionDependencies,
): Promise<Admission> {
  const { name, token, founders, peerUrls } = options;
  const ids = founders.map((founder) => ({ ...founder, id: founderId(founder.peerUrls, token) }));
  const memberId = ids.find((founder) => founder.name === name)!.id;
  const clusterId = foundedClusterId(ids.map(({ id }) => id));
  const others = ids.filter(({ id }) => id !== memberId);
  const admission: Admission = { memberId, clusterId, origin: "founder" };
  const tell = everyNow(logger);
  for (;;) {
    const members = others.length === 0 ? undefined : await cluster.members();
    if (members !== undefined) {
      const itself = members.find(({ id }) => id === memberId);
      // Replaced: the founder was removed, and this one added for it. Only a cluster that serves can say so.
      const added = itself === undefined ? addedAs(peerUrls, members) : undefined;
      mustBeUnstarted(name, itself ?? added);
      return added === undefined
        ? admission
        : { memberId: added.id, clusterId: await cluster.clusterId(), origin: "joined" };
    }
    const answers = await Promise.all(others.map(({ id }) => ask(transport, subjects.founding(id))));
    const present = answers.filter((answer) => answer !== undefined);
    const haveRun = others.filter((_, at) => answers[at] === "has-run");
    if (haveRun.length === 0 && present.length >= Math.floor(ids.length / 2)) return admission;
    tell(
      haveRun.length === 0
        ? "waiting for other founders of the cluster: a majority must be there"
        : "waiting for the cluster to serve: it has run before, and must say whether this member has",
      { missing: others.filter((_, at) => answers[at] === undefined).map((other) => other.name) },
    );
    await delay(AGAIN_MS);
  }
}

/**
 * Who a member is that was added to a running cluster: the one with its peer URLs.
 *
 * @throws {StoredMemberError} Nobody has added it, or it has run before.
 */
export async function admitJoining(
  { name, peerUrls }: AdmissionOptions,
  { cluster, logger }: Pick<AdmissionDependencies, "cluster" | "logger">,
): Promise<Admission> {
  const own = [...peerUrls].sort().join();
  const tell = everyNow(logger);
  for (;;) {
    const members = await cluster.members();
    if (members !== undefined) {
      const added = addedAs(peerUrls, members);
      mustBeUnstarted(
        name,
        added,
        `no member has the peer URL ${own}: add it first, by \`etcdctl member add ${name} --learner --peer-urls=${own}\``,
      );
      return { memberId: added!.id, clusterId: await cluster.clusterId(), origin: "joined" };
    }
    tell("waiting for the cluster to serve, to be told who this member is", {});
    await delay(AGAIN_MS);
  }
}

/** Answers founders that ask. @param hasRun Whether this member has anything that was agreed on. */
export function answerFounders(
  memberId: bigint,
  hasRun: () => boolean,
  { transport, subjects }: { readonly transport: Transport; readonly subjects: Subjects },
): Subscription {
  return transport.subscribe(subjects.founding(memberId), ({ reply }) => {
    if (reply !== undefined) transport.publish(reply, utf8(hasRun() ? "has-run" : "new"));
  });
}

function addedAs(peerUrls: readonly string[], members: readonly Member[]): Member | undefined {
  const own = [...peerUrls].sort().join();
  return members.find((member) => [...member.peerUrls].sort().join() === own);
}

/** A member publishes its client URLs as soon as it takes part: who has some has run. */
function mustBeUnstarted(name: string, member: Member | undefined, notThere?: string): void {
  if (member === undefined)
    throw new StoredMemberError(
      `Cannot start ${name}: ${notThere ?? "the cluster runs, and does not know it. Add it, and start it with --initial-cluster-state existing"}.`,
    );
  if (member.clientUrls.length === 0) return;
  throw new StoredMemberError(
    `Cannot start ${name} without data: member ${hexId(member.id)} has run before, and has voted and acknowledged what is now lost. ` +
      `Remove it from the cluster (\`etcdctl member remove ${hexId(member.id)}\`), add it again, and start it with an empty directory and ` +
      "--initial-cluster-state existing.",
  );
}

function ask(transport: Transport, subject: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    transport.request(subject, new Uint8Array(0), { timeoutMs: ANSWER_MS }, (result) =>
      resolve(result.kind === "answer" ? textOf(result.payload) : undefined),
    );
  });
}

function everyNow(logger: Logger): (message: string, facts: Readonly<Record<string, unknown>>) => void {
  let toldAt = -Infinity;
  return (message, facts) => {
    if (performance.now() - toldAt < TELL_EVERY_MS) return;
    toldAt = performance.now();
    logger.info(message, facts);
  };
}
