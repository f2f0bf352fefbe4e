"use strict";
const { default: Sequencer } = require("@jest/test-sequencer");

/**
 * What takes minutes, longest first. A fresh machine has no record of how long a spec took, and would begin with the largest
 * file: then one worker waits for the other's last one.
 */
const LONGEST = [
  "tests/simulation/cluster.spec.ts",
  "tests/containers/",
  "tests/chaos/chaos.spec.ts",
  "tests/e2e/quorum.spec.ts",
  "tests/e2e/walk-throughs.spec.ts",
  "tests/faults-shim/power-loss.spec.ts",
  "tests/e2e/damaged-files.spec.ts",
  "tests/e2e/",
  "tests/upgrade/",
  "tests/faults-shim/",
  "tests/fuzz/",
  "tests/compatibility/",
];

/** How early `path` comes: lower is earlier. */
function place(path) {
  const at = LONGEST.findIndex((part) => path.includes(`/${part}`));
  return at === -1 ? LONGEST.length : at;
}

module.exports = class LongestFirst extends Sequencer {
  sort(tests) {
    return [...super.sort(tests)].sort((one, other) => place(one.path) - place(other.path));
  }
};
