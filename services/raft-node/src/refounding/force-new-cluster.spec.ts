import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LogIndex, type MemberId, type Term } from "@quorate/raft";
import { SlottedAnchor, type AnchorRecord, type LogIdentity, type LogStorage } from "@quorate/storage";
import { RocksLogStorage } from "@quorate/storage-rocksdb";
import { SILENT_LOGGER } from "@quorate/telemetry";
import { parseClusterName } from "@quorate/wire";
import { AnchorFile } from "../anchor/anchor-file";
import { ANCHOR_FILE, LOG_DIRECTORY } from "../data-directory";
import { openAppliedState } from "../snapshot/open-applied-state";
import { anchorFindings, decideStart, type StartDecision } from "../start-up";
import { forceNewCluster } from "./force-new-cluster";
import { survivorEntries } from "../testing/survivor-entries";
import { planRefounding } from "./refounding";

const SELF = 2n as MemberId;
const FORMER: LogIdentity = {
  clusterId: 0xcn,
  clusterName: "north",
  memberId: SELF,
  memberName: "n2",
  directoryId: "d",
};
const self = { id: SELF, name: "n2", peerUrls: [], clientUrls: [], learner: false };
const NEW = { clusterId: 0xdn, clusterName: parseClusterName("north-2") };

const root = mkdtempSync(join(tmpdir(), "quorate-refounding-"));
let directories = 0;
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** The data directory of a survivor that stands still: three entries of term 4, nothing applied, and an anchor that agrees. */
class Survivor {
  readonly dataDir = join(root, `${(directories += 1)}`);

  static async create(): Promise<Survivor> {
    const survivor = new Survivor();
    mkdirSync(survivor.dataDir);
    const configuration = { incoming: [1n, SELF, 3n] as MemberId[], outgoing: [], learners: [] };
    await using log = await RocksLogStorage.create(survivor.#log, { identity: FORMER, configuration });
    const entries = survivorEntries(3);
    const hardState = { term: 6 as Term, vote: SELF, commit: 2 as LogIndex };
    log.append([{ truncateFrom: undefined, entries, hardState }]);
    log.markAnchored();
    const { at: last, chain } = log.last;
    using anchor = survivor.#anchor();
    anchor.write({ ...FORMER, incarnation: 7, term: hardState.term, vote: SELF, last, chain });
    return survivor;
  }

  /** As a start with `--force-new-cluster` does it, up to its end. */
  async refound(): Promise<void> {
    const { dataDir } = this;
    const options = {
      name: "n2",
      memberId: SELF,
      cluster: NEW.clusterName,
      clusterId: NEW.clusterId,
      dataDir,
    };
    await forceNewCluster(options, self, { logger: SILENT_LOGGER });
  }

  /** The first half of it: the process ends between the log and the anchor. */
  async refoundLogOnly(): Promise<void> {
    await using log = await RocksLogStorage.open(this.#log);
    const { position } = await this.#state(log);
    const plan = planRefounding({ start: log.start, position }, { ...NEW, member: self });
    if (plan.kind !== "due") throw new Error(plan.kind);
    log.refound(plan.identity, plan.write);
  }

  /** How a member of the new cluster would start. @throws {StorageIdentityError} it must not. */
  async start(): Promise<StartDecision> {
    await using log = await RocksLogStorage.open(this.#log, { clusterId: NEW.clusterId, memberId: SELF });
    using anchor = this.#anchor();
    const state = await this.#state(log);
    return decideStart(this.dataDir, { start: log.start, anchor: anchorFindings(anchor, log), ...state });
  }

  get anchored(): AnchorRecord | undefined {
    using anchor = this.#anchor();
    return anchor.found;
  }

  get #log(): { readonly directory: string } {
    return { directory: join(this.dataDir, LOG_DIRECTORY) };
  }

  #anchor(): SlottedAnchor {
    return SlottedAnchor.open(new AnchorFile(join(this.dataDir, ANCHOR_FILE)));
  }

  async #state(log: LogStorage) {
    const state = await openAppliedState(this.dataDir, log.start.compacted.index);
    await using _storage = state.storage;
    const { position, membership } = state.stateMachine;
    return { position, membership };
  }
}

describe("--force-new-cluster", () => {
  it("leaves a log and an anchor that tell of the same cluster, with which the member starts", async () => {
    const survivor = await Survivor.create();
    await survivor.refound();
    expect(survivor.anchored).toMatchObject({
      clusterId: NEW.clusterId,
      memberId: SELF,
      term: 7,
      vote: SELF,
      last: { term: 7, index: 4 },
    });
    expect(await survivor.start()).toMatchObject({
      hardState: { term: 7, vote: SELF, commit: 4 },
      promised: undefined,
    });
  });

  it("does not let a member start whose process ended between log and anchor", async () => {
    const survivor = await Survivor.create();
    await survivor.refoundLogOnly();
    await expect(survivor.start()).rejects.toThrow(/Files of two members are mixed up/);
  });

  it("brings to its end, when it is given again, what ended between log and anchor", async () => {
    const survivor = await Survivor.create();
    await survivor.refoundLogOnly();
    await survivor.refound();
    const { incarnation } = survivor.anchored!;
    expect(survivor.anchored).toMatchObject({ clusterId: NEW.clusterId, last: { term: 7, index: 4 } });
    expect(incarnation).toBeGreaterThanOrEqual(7); // nothing that others have seen of it falls back
    const decision = await survivor.start();
    expect(decision).toMatchObject({ hardState: { term: 7, vote: SELF, commit: 4 }, promised: undefined });
    expect(decision.incarnation).toBeGreaterThan(incarnation);
  });

  it("leaves the anchor alone once it is done", async () => {
    const survivor = await Survivor.create();
    await survivor.refound();
    const anchored = survivor.anchored;
    await survivor.refound();
    expect(survivor.anchored).toEqual(anchored);
  });
});
