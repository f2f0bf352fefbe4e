import { whatIsMissing } from "./docker-access";
import { removeOwn } from "./docker-objects";

/** Set to keep containers, networks and volumes for a post mortem; the next run removes them. */
const KEEP_VARIABLE = "QUORATE_CONTAINERS_KEEP";

/** Once after all specs here, however they ended. */
export default async function tearDown(): Promise<void> {
  if (whatIsMissing() !== undefined) return;
  if (process.env[KEEP_VARIABLE] !== "yes") await removeOwn();
}
