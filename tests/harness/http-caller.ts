/** An answer over HTTP as it came. */
export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
  /** `text` parsed, `undefined` if it is no JSON. */
  readonly json: unknown;
  readonly headers: Headers;
}

/** Speaks HTTP/1 to the etcd API, as curl and clients of etcd's JSON gateway do. Connections are kept and reused. */
export class HttpCaller {
  /** @param address host:port */
  constructor(private readonly address: string) {}

  /** @param body JSON text, or a value to make it of. */
  post(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<HttpAnswer> {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    return this.#fetch(path, { method: "POST", body: text, headers });
  }

  request(method: string, path: string): Promise<HttpAnswer> {
    return this.#fetch(path, { method });
  }

  get(path: string): Promise<HttpAnswer> {
    return this.request("GET", path);
  }

  async #fetch(path: string, init: RequestInit): Promise<HttpAnswer> {
    const response = await fetch(`http://${this.address}${path}`, init);
    const text = await response.text();
    return { status: response.status, text, json: parsed(text), headers: response.headers };
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
