/**
 * Rows as a table for people.
 *
 * @param leftAligned Those titles whose columns hold words; the others hold numbers.
 */
export function textTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  leftAligned: readonly string[],
): string {
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((text, at) =>
        leftAligned.includes(head[at] ?? "") ? text.padEnd(widths[at] ?? 0) : text.padStart(widths[at] ?? 0),
      )
      .join("  ")
      .trimEnd();
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}
