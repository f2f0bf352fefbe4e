"use strict";
// The projects of the suite, with a mutation in one of their source files.
const { join } = require("node:path");
const { projects } = require("../jest.config.cjs");

const withMutation = (transform) =>
  Object.fromEntries(
    Object.entries(transform).map(([pattern, [, options]]) => [
      pattern,
      [join(__dirname, "mutating-transform.cjs"), options],
    ]),
  );

module.exports = {
  projects: projects.map((project) => ({ ...project, transform: withMutation(project.transform) })),
};
