import { invariant } from "@quorate/base";
import { Histogram } from "./histogram";

export type Labels = Readonly<Record<string, string>>;

/** One number under its labels, as it is when it is read. */
export interface Sample {
  readonly labels?: Labels;
  readonly value: number;
}

/** A number that only rises. Hot paths add to it directly. */
export class Counter {
  value = 0;
}

type MetricType = "counter" | "gauge" | "histogram";

interface Family {
  readonly type: MetricType;
  readonly help: string;
  /** Each writes its lines when it is asked for them. */
  readonly members: ((name: string) => Iterable<string>)[];
}

/**
 * The numbers of a process, shown as text to whoever collects them.
 *
 * Counters and histograms are plain objects that hot paths change without asking anybody; gauges are functions, called
 * only when somebody looks. All metrics of one name have one type and one help text.
 */
export class MetricRegistry {
  readonly #families = new Map<string, Family>();

  /** @param name With its unit and `_total` at the end. */
  counter(name: string, help: string, labels: Labels = {}): Counter {
    const counter = new Counter();
    this.#add("counter", name, help, (line) => [sampleLine(line, labels, counter.value)]);
    return counter;
  }

  histogram(name: string, help: string, bounds: readonly number[], labels: Labels = {}): Histogram {
    const histogram = new Histogram(bounds);
    this.#add("histogram", name, help, (line) => histogramLines(line, labels, histogram));
    return histogram;
  }

  /** @param read Gives the samples as they are now; none for what is not known. */
  observe(
    type: "counter" | "gauge",
    name: string,
    help: string,
    read: () => readonly Sample[] | number | undefined,
  ): void {
    this.#add(type, name, help, (line) => {
      const given = read();
      if (given === undefined) return [];
      const samples = typeof given === "number" ? [{ value: given }] : given;
      return samples.map(({ labels, value }: Sample) => sampleLine(line, labels ?? {}, value));
    });
  }

  /** Everything in Prometheus's text format, version 0.0.4. */
  text(): string {
    let text = "";
    for (const [name, { type, help, members }] of this.#families) {
      const lines = members.flatMap((member) => [...member(name)]);
      if (lines.length > 0) {
        text += `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n${lines.join("\n")}\n`;
      }
    }
    return text;
  }

  #add(type: MetricType, name: string, help: string, member: (name: string) => Iterable<string>): void {
    invariant(/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name), "a metric's name has only letters, digits, _ and :", {
      name,
    });
    const family = this.#families.get(name);
    if (family === undefined) {
      this.#families.set(name, { type, help, members: [member] });
    } else {
      invariant(family.type === type, "all metrics of a name have one type", { name });
      family.members.push(member);
    }
  }
}

/** What {@link MetricRegistry.text} is, for HTTP. */
export const METRICS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

function* histogramLines(name: string, labels: Labels, histogram: Histogram): Iterable<string> {
  let cumulative = 0;
  for (const [at, count] of histogram.counts.entries()) {
    cumulative += count;
    const bound = histogram.bounds[at];
    yield sampleLine(
      `${name}_bucket`,
      { ...labels, le: bound === undefined ? "+Inf" : `${bound}` },
      cumulative,
    );
  }
  yield sampleLine(`${name}_sum`, labels, histogram.sum);
  yield sampleLine(`${name}_count`, labels, cumulative);
}

function sampleLine(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([label, given]) => `${label}="${escapeLabel(given)}"`);
  return pairs.length === 0 ? `${name} ${value}` : `${name}{${pairs.join(",")}} ${value}`;
}

function escapeLabel(value: string): string {
  return value.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n");
}

function escapeHelp(help: string): string {
  return help.replace(/\\/g, "\\\\").replace(/\n/g, "\\n");
}
