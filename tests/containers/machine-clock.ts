/** Milliseconds by a clock that never goes back, and that all processes of one machine share, in containers or not. */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
