// Rules that find mistakes; how code looks is Prettier's business.
import tseslint from "typescript-eslint";

/**
 * The layers, top to bottom: who may import whom. A project may import the libraries its own line lists, and nothing
 * else of this repository. Arrows point downwards only; `testing` is for specs and `tests/`.
 */
const base = ["base"];
const cores = {
  raft: [],
  bbolt: [],
  lease: [],
  mvcc: ["lease"],
  "state-machine": ["lease", "mvcc", "raft"],
  watch: ["mvcc"],
};
const ports = {
  actor: [],
  storage: ["raft", "mvcc"],
  transport: [],
  wire: ["raft", "lease", "mvcc", "state-machine", "watch"],
};
const adapters = {
  "storage-rocksdb": ["raft", "storage"],
  "transport-nats": ["transport"],
  telemetry: ["transport"],
  config: [],
  probes: ["config", "telemetry"],
  fence: [],
  client: ["actor", "mvcc", "transport", "transport-nats", "watch", "wire"],
};
const everyLibrary = [
  ...base,
  ...Object.keys(cores),
  ...Object.keys(ports),
  ...Object.keys(adapters),
  "testing",
];
const mayImport = {
  base: [],
  ...Object.fromEntries(
    Object.entries({ ...cores, ...ports, ...adapters }).map(([name, below]) => [name, [...base, ...below]]),
  ),
  testing: [...base, ...Object.keys(cores), ...Object.keys(ports)],
};
const services = ["raft-node", "kv-gateway", "watch-fanout", "quorate"];

/** What runs only in tests and benchmarks, wherever it stands. */
const testFiles = ["**/*.spec.ts", "**/*.bench.ts", "**/*.contract.ts", "**/testing/**/*.ts"];

/** What only specs may import besides: in-memory versions and a virtual clock from any layer that is not a service. */
const specsMayImport = everyLibrary;

/** Puts services together to one process, as `main.ts` of each would: it alone may know them. */
const composes = { quorate: ["raft-node", "kv-gateway", "watch-fanout"] };

const forbidden = (allowed, own, extra = []) => [
  "error",
  {
    paths: extra,
    patterns: [
      {
        group: everyLibrary
          .filter((name) => !allowed.includes(name) && name !== own)
          .flatMap((name) => [`@quorate/${name}`])
          .concat(
            services.filter((name) => !composes[own]?.includes(name)).map((name) => `@quorate/${name}`),
          ),
        message: "This layer must not know that one: see the table in infra/eslint.config.mjs.",
      },
      { group: [`@quorate/${own}`], message: "Inside a project, import the file itself." },
      { group: ["@quorate/*/*"], message: "Import a package through its index." },
      {
        // What a project has for its own tests may serve another's.
        regex: "^\\.\\./.*/src/(?!testing/)",
        message: "Import another project by its package name.",
      },
    ].filter(({ group }) => group === undefined || group.length > 0),
  },
];

const boundaries = [
  ...Object.entries(mayImport).map(([name, allowed]) => ({ name, path: `libs/${name}`, allowed })),
  ...services.map((name) => ({
    name,
    path: `services/${name}`,
    allowed: everyLibrary.filter((library) => library !== "testing"),
  })),
].flatMap(({ name, path, allowed }) => [
  {
    files: [`${path}/src/**/*.ts`],
    ignores: testFiles,
    rules: { "no-restricted-imports": forbidden(allowed, name) },
  },
  {
    files: testFiles.map((pattern) => `${path}/src/${pattern}`),
    rules: { "no-restricted-imports": forbidden(specsMayImport, name) },
  },
]);

/** Cores get time, chance and I/O as arguments, so that a seed repeats a run exactly. */
const impureGlobals = [
  "Date",
  "performance",
  "crypto",
  "setTimeout",
  "setInterval",
  "setImmediate",
  "queueMicrotask",
  "process",
  "console",
  "Promise",
  "fetch",
].map((name) => ({
  name,
  message: "A core takes values and returns values: time, chance and I/O come from outside.",
}));
const coreFiles = Object.keys(cores).map((name) => `libs/${name}/src/**/*.ts`);

export default tseslint.config(
  {
    ignores: [
      "**/dist/**",
      "**/node_modules/**",
      "libs/wire/gen/**",
      "**/*.js",
      "**/*.cjs",
      "**/*.mjs",
      "**/*.d.ts",
    ],
  },
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        // A `default` that calls `assertNever` is a check too: of the same thing, and at run time as well.
        { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: false },
      ],
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-unused-vars": [
        "error",
        { argsIgnorePattern: "^_", varsIgnorePattern: "^_", caughtErrors: "none" },
      ],
      eqeqeq: ["error", "always", { null: "ignore" }],

      // With `noUncheckedIndexedAccess`, `!` after a bounds check is the honest spelling in hot loops over bytes.
      "@typescript-eslint/no-non-null-assertion": "off",
      // `() => void work()` and `() => task()` are shorter and just as clear; numbers in texts are the usual case.
      "@typescript-eslint/no-confusing-void-expression": "off",
      "@typescript-eslint/restrict-template-expressions": "off",
      "@typescript-eslint/no-meaningless-void-operator": "off",
      // Implementations of an asynchronous contract need not wait for anything themselves.
      "@typescript-eslint/require-await": "off",
      // Defensive checks of what types promise about other processes and hand-written declarations are wanted.
      "@typescript-eslint/no-unnecessary-condition": "off",
      "@typescript-eslint/no-unnecessary-type-parameters": "off",
      "@typescript-eslint/no-unnecessary-type-arguments": "off",
      "@typescript-eslint/no-unnecessary-boolean-literal-compare": "off",
      "@typescript-eslint/no-unnecessary-type-conversion": "off",
      // It also reports assertions without which the compiler refuses the code (an indexed access as an argument).
      "@typescript-eslint/no-unnecessary-type-assertion": "off",
      "@typescript-eslint/no-extraneous-class": "off",
      "@typescript-eslint/no-invalid-void-type": "off",
      "@typescript-eslint/no-dynamic-delete": "off",
      "@typescript-eslint/unified-signatures": "off",
      "@typescript-eslint/prefer-promise-reject-errors": "off",
      // A protobuf enum is open: numbers that this version does not know must pass through.
      "@typescript-eslint/no-unsafe-enum-assignment": "off",
      "@typescript-eslint/no-unsafe-enum-comparison": "off",
      // Bound functions are handed around as `#private` arrow properties here; contracts use method syntax.
      "@typescript-eslint/unbound-method": "off",
    },
  },
  ...boundaries,
  {
    files: coreFiles,
    ignores: testFiles,
    rules: {
      "no-restricted-globals": ["error", ...impureGlobals],
      "no-restricted-properties": ["error", { object: "Math", property: "random", message: "Take a Prng." }],
      "no-restricted-syntax": [
        "error",
        { selector: ":function[async=true]", message: "A core never waits." },
        { selector: "AwaitExpression", message: "A core never waits." },
        { selector: "TSTypeReference > Identifier[name='Promise']", message: "A core never waits." },
        {
          selector: "ImportDeclaration[source.value=/^node:/]",
          message: "A core does no I/O: it imports no built-in module.",
        },
      ],
    },
  },
  {
    files: ["libs/base/src/**/*.ts"],
    // crc32 is a pure function that happens to live in zlib, ten times as fast there as in JavaScript.
    ignores: [...testFiles, "libs/base/src/checksum.ts"],
    rules: {
      "no-restricted-syntax": [
        "error",
        { selector: "ImportDeclaration[source.value=/^node:/]", message: "base stays free of I/O." },
      ],
    },
  },
  {
    files: [...testFiles, "tests/**/*.ts"],
    rules: {
      // Specs reach into decoded values, captured results and jest's untyped matchers; the assertion checks the shape.
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/restrict-plus-operands": "off",
      "@typescript-eslint/use-unknown-in-catch-callback-variable": "off",
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
    },
  },
);
