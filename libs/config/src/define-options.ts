import { Command, CommanderError, Option as CommanderOption } from "commander";
import { z } from "zod";
import { ConfigurationError, InformationRequest, type ConfigurationProblem } from "./configuration-error";

/** One thing that can be set, from a flag or the environment. */
export interface OptionDefinition<Schema extends z.ZodType = z.ZodType> {
  /** Checks and converts the text that was given; see `schemas.ts`. A `z.boolean()` makes a switch. */
  readonly schema: Schema;
  /** One line for the help text: what it is, its unit, what happens at the limit. */
  readonly description: string;
  /** Used when nothing is given; without it the option is required. Checked like any value. */
  readonly default?: z.output<Schema>;
  /** Without the dashes; by default the option's name in kebab-case. */
  readonly flag?: string;
  /** By default `QUORATE_` and the option's name in upper snake case. */
  readonly env?: string;
  /** Never shown, neither in errors nor in help. */
  readonly secret?: boolean;
}

export type OptionDefinitions = Readonly<Record<string, OptionDefinition>>;

/** What a parser returns for definitions `D`: one validated value per option. */
export type OptionsOf<D extends OptionDefinitions> = {
  readonly [Name in keyof D]: z.output<D[Name]["schema"]>;
};

interface ProgramIdentity {
  /** The command as a user types it. */
  readonly name: string;
  readonly description: string;
  readonly version: string;
}

export interface ProgramDefinition<D extends OptionDefinitions> extends ProgramIdentity {
  readonly options: D;
  /** Rules between options: returns a sentence for each one that is broken. */
  readonly check?: (options: OptionsOf<D>) => readonly string[];
}

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * @param argv Arguments without the program: `process.argv.slice(2)`.
 * @returns Frozen options; a flag wins over the environment, which wins over the default.
 * @throws {ConfigurationError} with every problem.
 * @throws {InformationRequest} for `--help` and `--version`.
 */
export type OptionsParser<D extends OptionDefinitions> = (
  argv: readonly string[],
  env: Environment,
) => Readonly<OptionsOf<D>>;

/** Describes a program's options once: for parsing, for validation, and for `--help`. */
export function defineOptions<const D extends OptionDefinitions>(
  program: ProgramDefinition<D>,
): OptionsParser<D> {
  const settings = Object.entries(program.options).map(([name, option]) => settingOf(name, option));
  return (argv, env) => {
    const flags = readFlags(program, settings, argv);
    const problems: ConfigurationProblem[] = [];
    const values: Record<string, unknown> = {};
    for (const setting of settings) {
      const given = givenFor(setting, flags, env);
      const parsed = setting.option.schema.safeParse(switchValue(setting, given.value));
      if (parsed.success) values[setting.name] = parsed.data;
      else problems.push(problemOf(setting, given, parsed.error));
    }
    if (problems.length > 0) throw new ConfigurationError(problems);
    const options = Object.freeze(values) as OptionsOf<D>;
    const broken = program.check?.(options) ?? [];
    if (broken.length > 0) {
      throw new ConfigurationError(broken.map((allowed) => ({ source: "", given: undefined, allowed })));
    }
    return options;
  };
}

/**
 * For `main.ts`: the options of this process, or its end. Help and version go to stdout with exit code 0, problems to
 * stderr with exit code 2.
 */
export function optionsOfProcess<Options>(
  parse: (argv: readonly string[], env: Environment) => Options,
): Options {
  try {
    return parse(process.argv.slice(2), process.env);
  } catch (error) {
    if (error instanceof InformationRequest) {
      process.stdout.write(error.text);
      process.exit(0);
    }
    if (error instanceof ConfigurationError) {
      process.stderr.write(`${error.message}\n`);
      process.exit(2);
    }
    throw error;
  }
}

interface Setting {
  readonly name: string;
  readonly flag: string;
  readonly env: string;
  readonly isSwitch: boolean;
  readonly option: OptionDefinition;
}

interface Given {
  readonly source: string;
  /** `undefined`: nothing was given, and there is no default. */
  readonly value: unknown;
}

function settingOf(name: string, option: OptionDefinition): Setting {
  const words = name.replace(/([a-z0-9])([A-Z])/g, "$1-$2").toLowerCase();
  return {
    name,
    flag: option.flag ?? words,
    env: option.env ?? `QUORATE_${words.replaceAll("-", "_").toUpperCase()}`,
    isSwitch: option.schema instanceof z.ZodBoolean,
    option,
  };
}

function readFlags(
  program: ProgramIdentity,
  settings: readonly Setting[],
  argv: readonly string[],
): ReadonlyMap<string, unknown> {
  let output = "";
  const flags = new Map<string, unknown>();
  const command = new Command(program.name)
    .description(program.description)
    .version(program.version)
    .configureOutput({ writeOut: (text) => (output += text), writeErr: () => undefined })
    .exitOverride(); // throws instead of ending the process
  for (const setting of settings) {
    for (const declared of commanderOptions(setting)) {
      command.addOption(declared);
      command.on(`option:${declared.name()}`, (value: string | null) => {
        flags.set(setting.flag, setting.isSwitch ? !declared.negate : value);
      });
    }
  }
  try {
    command.parse(argv, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) throw new InformationRequest(output);
    throw new ConfigurationError([
      { source: "", given: undefined, allowed: error.message.replace(/^error: /, "") },
    ]);
  }
  return flags;
}

function commanderOptions(setting: Setting): CommanderOption[] {
  const help = helpOf(setting);
  if (!setting.isSwitch) return [new CommanderOption(`--${setting.flag} <value>`, help)];
  return [
    new CommanderOption(`--${setting.flag}`, help),
    new CommanderOption(`--no-${setting.flag}`).hideHelp(), // also overrides what the environment says
  ];
}

function helpOf({ option, env, isSwitch }: Setting): string {
  const facts = [`env ${env}`];
  if (!isSwitch && option.schema.description !== undefined) facts.unshift(option.schema.description);
  if (option.default !== undefined && option.secret !== true)
    facts.push(`default ${printed(option.default)}`);
  if (option.default === undefined && !option.schema.safeParse(undefined).success) facts.push("required");
  return `${option.description} (${facts.join("; ")})`;
}

function givenFor(setting: Setting, flags: ReadonlyMap<string, unknown>, env: Environment): Given {
  if (flags.has(setting.flag)) return { source: `--${setting.flag}`, value: flags.get(setting.flag) };
  const fromEnv = env[setting.env];
  // An empty variable counts as unset: that is how compose files and manifests leave one out.
  if (fromEnv !== undefined && fromEnv !== "") return { source: setting.env, value: fromEnv };
  return { source: `--${setting.flag} or ${setting.env}`, value: setting.option.default };
}

const SWITCH_WORDS: ReadonlyMap<unknown, boolean> = new Map([
  ["true", true],
  ["1", true],
  ["false", false],
  ["0", false],
]);

function switchValue(setting: Setting, value: unknown): unknown {
  return setting.isSwitch ? (SWITCH_WORDS.get(value) ?? value) : value;
}

function problemOf(setting: Setting, { source, value }: Given, error: z.ZodError): ConfigurationProblem {
  const allowed = setting.option.schema.description;
  const needs =
    allowed === undefined ? error.issues.map((issue) => issue.message).join(", ") : `needs ${allowed}`;
  if (value === undefined) return { source, given: undefined, allowed: `is required, ${needs}` };
  return { source, given: setting.option.secret === true ? undefined : printed(value), allowed: needs };
}

function printed(value: unknown): string {
  if (Array.isArray(value)) return value.map(printed).join(",");
  return typeof value === "string" ? value : (JSON.stringify(value) ?? String(value));
}
