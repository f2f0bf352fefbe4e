/** One option that cannot be used as it was given. */
export interface ConfigurationProblem {
  /** How it was, or can be, given: `--port` or `QUORATE_PORT`. Empty for a rule between options. */
  readonly source: string;
  /** What was given, as text; `undefined` if nothing was, or if it is a secret. */
  readonly given: string | undefined;
  /** What would be allowed, or the rule that is broken. */
  readonly allowed: string;
}

/** The options a process was started with cannot be used. Lists every problem at once, one per line. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
  readonly code = "configuration";

  constructor(readonly problems: readonly ConfigurationProblem[]) {
    super(
      `Cannot start with these options:\n${problems.map((problem) => `  ${describe(problem)}`).join("\n")}`,
    );
  }
}

/** Not a failure: the caller asked for the help text or the version, which is `text`. */
export class InformationRequest extends Error {
  override readonly name = "InformationRequest";
  readonly code = "information";

  constructor(readonly text: string) {
    super("Help or version was asked for");
  }
}

function describe({ source, given, allowed }: ConfigurationProblem): string {
  const what = given === undefined ? allowed : `given ${JSON.stringify(given)}, ${allowed}`;
  return source === "" ? what : `${source}: ${what}`;
}
