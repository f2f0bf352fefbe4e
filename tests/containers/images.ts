import { join } from "node:path";

import { succeed } from "../harness/child-process";
import { nodeExecutable, repositoryRoot } from "../harness/repository";

/** All programs of Quorate, as they were compiled last; not under the name that people use. */
export const QUORATE_IMAGE = "quorate:tests";
/** The same again: what a cluster is upgraded to. */
export const NEXT_IMAGE = "quorate:tests-next";
export const BROKER_IMAGE = "quorate-nats:local";

/** Builds all of them. @throws {Error} with what was printed. */
export async function buildImages(): Promise<void> {
  const script = join(repositoryRoot, "infra/images/build-images.mjs");
  await succeed(nodeExecutable, [script, "--tag", QUORATE_IMAGE]);
  await succeed("docker", ["tag", QUORATE_IMAGE, NEXT_IMAGE]);
}
