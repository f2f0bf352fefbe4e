import { isRequired, skip, whatIsMissing } from "./docker-access";
import { beginRun, removeLeftovers } from "./docker-objects";
import { buildImages } from "./images";

/** Once before all specs here, in whatever workers they run. */
export default async function setUp(): Promise<void> {
  const missing = whatIsMissing();
  if (missing !== undefined) {
    if (isRequired()) throw new Error(`Tests in containers are required, but ${missing}`);
    process.stderr.write(`tests/containers is skipped: ${missing}\n`);
    return skip(missing);
  }
  beginRun();
  await removeLeftovers();
  await buildImages();
}
