import { join } from "node:path";

const FOLDER = join(__dirname, "../certificates");

export type TestCertificateName =
  "authority" | "server" | "replacement" | "client" | "intruder" | "revoked" | "revocations";

/**
 * Paths of certificates that `certificates/make.sh` has made: of an authority, of two servers on this machine (`replacement` is
 * the second), of clients (`intruder` is signed by a stranger, `revoked` is in the list `revocations`).
 */
export function testCertificate(name: TestCertificateName): string {
  return join(FOLDER, `${name}.pem`);
}

export function testKey(name: Exclude<TestCertificateName, "authority" | "revocations">): string {
  return join(FOLDER, `${name}.key`);
}
