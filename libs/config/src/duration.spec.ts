import { parseDurationMs } from "./duration";

describe("parseDurationMs", () => {
  it.each([
    ["10m", 600_000],
    ["1h30m", 5_400_000],
    ["1.5h", 5_400_000],
    ["500ms", 500],
    ["2m3s", 123_000],
    ["0s", 0],
  ])("reads %s", (text, milliseconds) => {
    expect(parseDurationMs(text)).toBe(milliseconds);
  });

  it.each(["", "10", "-1h", "1 h", "h", "1d", "1h30", "x1h"])("refuses %p", (text) => {
    expect(parseDurationMs(text)).toBeUndefined();
  });
});
