import { whatIsMissing } from "./docker-access";
import { isToBeKept, removeOwn } from "./docker-objects";

/** Once after all specs here, however they ended. */
export default async function tearDown(): Promise<void> {
  if (whatIsMissing() !== undefined) return;
  if (!isToBeKept()) await removeOwn();
}
