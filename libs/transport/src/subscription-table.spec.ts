import { seededPrng } from "@quorate/base";
import { SubscriptionTable, type TableEntry } from "./subscription-table";

interface Client {
  connected: boolean;
}

describe("a table of subscriptions", () => {
  const prng = seededPrng(1);

  function start() {
    const table = new SubscriptionTable<Client>();
    const entry = (subject: string, queue?: string): TableEntry<Client> => {
      const made = { client: { connected: true }, subject, queue, receive: () => undefined };
      table.add(made);
      return made;
    };
    return { table, entry, receivers: (subject: string) => table.receivers(subject, prng) };
  }

  for (const pattern of ["a.b", "a.*"]) {
    it(`forgets who gets a subject once ${pattern} is subscribed to or left`, () => {
      const { table, entry, receivers } = start();
      expect(receivers("a.b")).toEqual([]);
      const first = entry(pattern);
      expect(receivers("a.b")).toEqual([first]);
      const second = entry(pattern);
      expect(receivers("a.b")).toEqual([first, second]);
      table.remove(first);
      expect(receivers("a.b")).toEqual([second]);
    });
  }

  it("leaves out who is not connected at the time, and no longer", () => {
    const { entry, receivers } = start();
    const only = entry("a.>");
    only.client.connected = false;
    expect(receivers("a.b")).toEqual([]);
    only.client.connected = true;
    expect(receivers("a.b")).toEqual([only]);
  });

  it("gives a message to one of each group, and to literal subjects first", () => {
    const { entry, receivers } = start();
    const wildcard = entry("a.*");
    const literal = entry("a.b");
    const group = [entry("a.b", "q"), entry("a.*", "q")];
    const got = receivers("a.b");
    expect(got.slice(0, 2)).toEqual([literal, wildcard]);
    expect(got).toHaveLength(3);
    expect(group).toContain(got[2]);
  });
});
