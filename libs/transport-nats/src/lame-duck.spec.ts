import { leaveLameDuck } from "./lame-duck";

function scene(beforeMove: () => Promise<void>, flush: () => Promise<void> = () => Promise.resolve()) {
  let late = (): void => undefined;
  const clock = {
    now: () => 0,
    setTimer: (_ms: number, fire: () => void) => {
      late = fire;
      return { cancel: () => undefined };
    },
  };
  const done: string[] = [];
  const left = leaveLameDuck(
    { beforeMove, withinMs: 500 },
    {
      flush: () => {
        done.push("flushed");
        return flush();
      },
      leave: () => void done.push("left"),
    },
    { clock },
  );
  return { late, done, left };
}

describe("leaving a broker that will stop", () => {
  it("does what is to be done first, then sends what is under way, then leaves", async () => {
    const ready = Promise.withResolvers<void>();
    const { done, left } = scene(() => ready.promise);
    expect(done).toEqual([]);
    ready.resolve();
    await left;
    expect(done).toEqual(["flushed", "left"]);
  });

  it("does not wait for ever, nor for what fails", async () => {
    const { late, done, left } = scene(() => new Promise(() => undefined));
    late();
    await left;
    expect(done).toEqual(["left"]);

    const failing = scene(
      () => Promise.resolve(),
      () => Promise.reject(new Error("gone")),
    );
    await failing.left;
    expect(failing.done).toEqual(["flushed", "left"]);
  });
});
