import { fail, isRequired, skip, whatIsMissing } from "./docker-access";
import { beginRun, removeLeftovers } from "./docker-objects";
import { buildImages } from "./images";

/** Once before all specs here, in whatever workers they run. */
export default async function setUp(): Promise<void> {
  const missing = whatIsMissing();
  if (missing !== undefined && isRequired()) return fail(`Tests in containers are required, but ${missing}`);
  if (missing !== undefined) {
    process.stderr.write(`tests/containers is skipped: ${missing}\n`);
    return skip(missing);
  }
  try {
    beginRun();
    await removeLeftovers();
    await buildImages();
  } catch (error) {
    fail(String(error));
  }
}
