"use strict";
// A transformer of jest's: @swc/jest, with the mutation that the environment names made first.
const { createHash } = require("node:crypto");
const { relative, resolve } = require("node:path");
const swcJest = require("@swc/jest");

const root = resolve(__dirname, "../..");
const told = process.env["QUORATE_MUTATION"] ?? "null";
const mutation = JSON.parse(told);

module.exports = {
  createTransformer(options) {
    const inner = swcJest.createTransformer(options);
    const mutated = (source, path) =>
      relative(root, path) === mutation?.file
        ? source.replace(mutation.find, () => mutation.replace)
        : source;
    return {
      canInstrument: inner.canInstrument,
      process: (source, path, ...rest) => inner.process(mutated(source, path), path, ...rest),
      getCacheKey: (source, path, ...rest) =>
        createHash("sha256")
          .update(inner.getCacheKey(mutated(source, path), path, ...rest))
          .digest("hex"),
    };
  },
};
