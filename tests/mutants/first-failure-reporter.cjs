"use strict";
// A reporter of jest's that tells, in the file that the environment names, how many specs ran and which was the first to
// fail. (--json cannot: failures that carry a bigint break it.)
const { writeFileSync } = require("node:fs");

module.exports = class FirstFailureReporter {
  #first;

  onTestResult(_test, { testExecError, testResults }) {
    const failed = testResults.find(({ status }) => status === "failed");
    this.#first ??= failed?.fullName ?? (testExecError && "a spec file cannot be loaded");
  }

  onRunComplete(_contexts, { numTotalTests }) {
    const report = { specs: numTotalTests, failed: this.#first };
    writeFileSync(process.env["QUORATE_MUTANT_REPORT"], JSON.stringify(report));
  }
};
