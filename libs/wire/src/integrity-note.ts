import { counterOf, type WireInt64 } from "./int64";
import type { quorate } from "./protocol";

/** Where applied state stands: members whose hashes differ at one index have diverged. */
export interface EffectDigest {
  readonly index: number;
  readonly hash: number;
}

export interface Damage {
  /** The start of the damaged member in which it was found: a later one may be sound. */
  readonly incarnation: number;
  /** For people. */
  readonly why: string;
}

/** What members tell each other about the soundness of their data, beside Raft, which knows nothing of it. */
export interface IntegrityNote {
  readonly effects?: EffectDigest;
  /** Asks for the digest at this index. */
  readonly effectsWanted?: number;
  /** What the leader has found: the receiver must fence itself. */
  readonly receiverDamaged?: Damage;
  /** What the sender has found in its own data, before it ends. */
  readonly senderDamaged?: Damage;
}

type Wire = Pick<
  quorate.raft.v1.PeerEnvelope.$Properties,
  "effects" | "effectsWanted" | "receiverDamaged" | "senderDamaged"
>;

export function encodeIntegrityNote(note: IntegrityNote): Wire {
  const { effects, effectsWanted, receiverDamaged, senderDamaged } = note;
  return {
    effects: effects ?? null,
    effectsWanted: effectsWanted ?? 0,
    receiverDamaged: receiverDamaged ?? null,
    senderDamaged: senderDamaged ?? null,
  };
}

/** @returns `undefined` if there is none in the envelope. */
export function decodeIntegrityNote(wire: Wire): IntegrityNote | undefined {
  const { effects, receiverDamaged, senderDamaged } = wire;
  const effectsWanted = index(wire.effectsWanted);
  const note: IntegrityNote = {
    ...(effects ? { effects: { index: index(effects.index), hash: effects.hash ?? 0 } } : {}),
    ...(effectsWanted > 0 ? { effectsWanted } : {}),
    ...(receiverDamaged ? { receiverDamaged: damageOf(receiverDamaged) } : {}),
    ...(senderDamaged ? { senderDamaged: damageOf(senderDamaged) } : {}),
  };
  return Object.keys(note).length === 0 ? undefined : note;
}

function damageOf({ incarnation, why }: quorate.raft.v1.Damage.$Properties): Damage {
  return { incarnation: incarnation ?? 0, why: why ?? "" };
}

function index(value: WireInt64 | null | undefined): number {
  return value == null ? 0 : counterOf(value, "index");
}
