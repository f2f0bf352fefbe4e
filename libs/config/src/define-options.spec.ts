import { z } from "zod";
import { ConfigurationError, InformationRequest } from "./configuration-error";
import { defineOptions } from "./define-options";
import { decimal, integer, listOf, matching, onOrOff, oneOf, text } from "./schemas";

const parse = defineOptions({
  name: "quorate-node",
  description: "Runs a node",
  version: "1.2.3",
  options: {
    electionTimeoutMs: { schema: integer(10, 60_000), description: "How long to wait", default: 1000 },
    servers: { schema: listOf(text()), description: "Where the brokers are", default: ["nats://localhost"] },
    cluster: { schema: matching(/[a-z]+/, "lower-case letters"), description: "The cluster's name" },
    fast: { schema: onOrOff(), description: "Skips nothing", default: false },
    logLevel: {
      schema: oneOf("debug", "info"),
      description: "What to log",
      default: "info",
      flag: "log",
      env: "LOG",
    },
    password: { schema: z.string().min(8).optional(), description: "For the broker", secret: true },
    ratio: { schema: decimal(0, 1), description: "A part", default: 0.5 },
  },
  check: (options) =>
    options.fast && options.electionTimeoutMs > 5000
      ? ["--fast needs an election timeout of at most 5000 ms"]
      : [],
});

function errorOf(argv: readonly string[], env: Record<string, string> = {}): ConfigurationError {
  try {
    parse(argv, env);
  } catch (error) {
    if (error instanceof ConfigurationError) return error;
    throw error;
  }
  throw new ConfigurationError([]);
}

describe("defineOptions", () => {
  it("gives defaults, in the types of the schemas, frozen", () => {
    const options = parse(["--cluster", "a"], {});
    const level: "debug" | "info" = options.logLevel;
    expect(options).toEqual({
      electionTimeoutMs: 1000,
      servers: ["nats://localhost"],
      cluster: "a",
      fast: false,
      logLevel: level,
      ratio: 0.5,
    });
    expect(Object.isFrozen(options)).toBe(true);
  });

  it("takes flags before the environment, and the environment before defaults", () => {
    const env = {
      QUORATE_CLUSTER: "env",
      QUORATE_ELECTION_TIMEOUT_MS: "20",
      QUORATE_FAST: "1",
      LOG: "debug",
    };
    expect(parse([], env)).toMatchObject({
      cluster: "env",
      electionTimeoutMs: 20,
      fast: true,
      logLevel: "debug",
    });
    expect(
      parse(["--cluster=flag", "--election-timeout-ms", "30", "--no-fast", "--log", "info"], env),
    ).toMatchObject({
      cluster: "flag",
      electionTimeoutMs: 30,
      fast: false,
      logLevel: "info",
    });
  });

  it("takes an empty variable for an unset one", () => {
    expect(parse(["--cluster", "a"], { QUORATE_ELECTION_TIMEOUT_MS: "" }).electionTimeoutMs).toBe(1000);
  });

  it("splits lists at commas", () => {
    expect(parse(["--cluster", "a", "--servers", "x, y"], {}).servers).toEqual(["x", "y"]);
  });

  it("lists everything that is wrong, what was given and what is allowed", () => {
    const env = { QUORATE_FAST: "maybe", QUORATE_PASSWORD: "hunter2" };
    const error = errorOf(
      ["--election-timeout-ms", "5", "--log=loud", "--servers", "a,,b", "--ratio", "2"],
      env,
    );
    expect(error.message.split("\n")).toEqual([
      "Cannot start with these options:",
      '  --election-timeout-ms: given "5", needs a whole number from 10 to 60000',
      '  --servers: given "a,,b", needs a list with commas, each some text',
      "  --cluster or QUORATE_CLUSTER: is required, needs lower-case letters",
      '  QUORATE_FAST: given "maybe", needs true or false',
      '  --log: given "loud", needs one of debug, info',
      expect.stringMatching(/^ {2}QUORATE_PASSWORD: Too small/),
      '  --ratio: given "2", needs a number from 0 to 1',
    ]);
    expect(error.message).not.toContain("hunter2");
  });

  it.each(["1e3", "0x10", "1.5", " 5", "12345678901234567890"])(
    "does not take %j for a whole number",
    (given) => {
      expect(errorOf(["--cluster", "a", `--election-timeout-ms=${given}`]).problems).toHaveLength(1);
    },
  );

  it("checks rules between options once each is valid", () => {
    expect(errorOf(["--cluster", "a", "--fast", "--election-timeout-ms", "6000"]).message).toContain(
      "--fast needs an election timeout of at most 5000 ms",
    );
  });

  it("refuses unknown flags, surplus arguments and flags without their value", () => {
    expect(errorOf(["--clusterr", "a"]).message).toContain("unknown option '--clusterr'");
    expect(errorOf(["--cluster", "a", "extra"]).message).toContain("too many arguments");
    expect(errorOf(["--cluster"]).message).toContain("argument missing");
  });

  it("tells flags, variables, defaults and what is allowed when asked for help", () => {
    let help = "";
    try {
      parse(["--help"], {});
    } catch (error) {
      if (error instanceof InformationRequest) help = error.text.replace(/\s+/g, " ");
    }
    expect(help).toContain("Usage: quorate-node");
    expect(help).toContain(
      "--election-timeout-ms <value> How long to wait (a whole number from 10 to 60000; " +
        "env QUORATE_ELECTION_TIMEOUT_MS; default 1000)",
    );
    expect(help).toContain("The cluster's name (lower-case letters; env QUORATE_CLUSTER; required)");
    expect(help).toContain("--log <value> What to log (one of debug, info; env LOG; default info)");
    expect(() => parse(["--version"], {})).toThrow(InformationRequest);
  });
});
