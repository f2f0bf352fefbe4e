import { victimOf, type Begin } from "./world";

// Disks and clocks.

export const syncError: Begin<"sync-error"> = (world, { victim, disk, reaches }) => {
  const member = victimOf(world, victim);
  if (member?.running !== true) return undefined;
  member.disks.failWrites(disk, reaches);
  return () => {
    member.disks.mend();
    if (!member.running) member.start();
  };
};

export const diskFull: Begin<"disk-full"> = (world, { victim }) => {
  const member = victimOf(world, victim);
  if (member?.running !== true) return undefined;
  member.disks.fill();
  // Whoever supervises it starts it again and again, in vain.
  const retry = (): void => {
    if (!member.disks.isFull) return;
    if (!member.running) member.start();
    world.time.setTimer(500, retry);
  };
  world.time.setTimer(500, retry);
  return () => {
    member.disks.free();
    if (!member.running) member.start();
  };
};

export const slowSync: Begin<"slow-sync"> = (world, { victim, disk }) => {
  const member = victimOf(world, victim);
  if (member === undefined) return undefined;
  member.hang(disk);
  return () => member.unhang(disk);
};

export const clockRate: Begin<"clock-rate"> = (world, { victim, percent }) => {
  const clock = victimOf(world, victim)?.clock;
  clock?.setRate(percent / 100);
  return clock && (() => clock.setRate(1));
};

export const clockStall: Begin<"clock-stall"> = (world, { victim }) => {
  const clock = victimOf(world, victim)?.clock;
  clock?.stall();
  return clock && (() => clock.unstall());
};
