import type { SimulatedMember } from "../simulated-member";
import { chosen, DONE, victimOf, type Begin, type End, type World } from "./world";

const VOTERS_MIN = 3;

/**
 * Of one member at a time, and of three voters at the least: who is without its state, or its log, votes but cannot lead, and one of
 * two may hold what the other needs its vote for.
 */
function mayLose({ members }: World): boolean {
  return members.every(({ isWhole, isRepairing, voters }) => isWhole && !isRepairing && voters >= VOTERS_MIN);
}

function startLater(members: readonly SimulatedMember[]): End {
  return () => members.forEach((member) => member.running || member.start());
}

export const crash: Begin<"crash"> = (world, { victim, powerLoss, loses, pick }) => {
  const member = victimOf(world, victim);
  if (member?.running !== true) return undefined;
  const isLossy = loses !== "nothing" && (loses === "anchor-slot" || mayLose(world));
  member.crash(powerLoss, isLossy && loses === "state");
  if (isLossy && loses === "log") member.loseLog(pick);
  if (isLossy && loses === "anchor-slot") member.disks.loseAnchorSlot(pick % 2);
  return startLater([member]);
};

export const crashAll: Begin<"crash-all"> = ({ members }, { powerLoss }) => {
  const down = members.filter(({ running }) => running);
  for (const member of down) member.crash(powerLoss);
  return down.length === 0 ? undefined : startLater(down);
};

export const crashAt: Begin<"crash-at"> = (world, { victim, boundary, skip, powerLoss }) => {
  const member = victimOf(world, victim);
  if (member?.running !== true) return undefined;
  member.trap.set(boundary, skip, powerLoss);
  return () => {
    member.trap.disarm();
    startLater([member])();
  };
};

export const restartStorm: Begin<"restart-storm"> = (world, { victim, everyMs, atMs, forMs }) => {
  const member = victimOf(world, victim);
  if (member?.running !== true) return undefined;
  let isOver = false;
  const again = (): void => {
    if (isOver) return;
    if (member.running) member.crash(true);
    member.start();
    if (world.time.now() + everyMs < atMs + forMs) world.time.setTimer(everyMs, again);
  };
  again();
  return () => {
    isOver = true;
    startLater([member])();
  };
};

export const pause: Begin<"pause"> = (world, { victim }) => {
  const member = victimOf(world, victim);
  if (member?.running !== true) return undefined;
  member.pause();
  return () => member.resume();
};

export const strangers: Begin<"strangers"> = (world, { pick }) => {
  const processes = world.strangers(pick);
  processes.start();
  return () => processes.crash();
};

export const crashWatching: Begin<"crash-watching"> = ({ watching }, { pick }) => {
  const victims = chosen(watching, pick).filter(({ running }) => running);
  if (victims.length === 0) return undefined;
  for (const process of victims) process.crash();
  return () => victims.forEach((process) => process.running || process.start());
};

export const roll: Begin<"roll"> = ({ members }, { pick }) => {
  members[pick % members.length]!.roll();
  return DONE;
};
