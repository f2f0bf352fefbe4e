import { findProgram } from "../harness/etcd-server";

/** `describe` for suites that need a real etcd. Without one they are skipped, and one line says so. */
export function whereEtcdIsInstalled(subject: string, suite: () => void): void {
  if (findProgram("etcd") !== undefined && findProgram("etcdctl") !== undefined) {
    describe(subject, suite);
    return;
  }
  process.stderr.write(`Skipped "${subject}": etcd and etcdctl are not installed.\n`);
  describe.skip(subject, suite);
}
