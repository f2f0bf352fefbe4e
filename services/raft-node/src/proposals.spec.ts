import type { EntryId, LogIndex, Term } from "@quorate/raft";
import { decodeProposeResponse, type NodeAnswer } from "@quorate/wire";
import { Proposals, type LeadershipView } from "./proposals";

const VIEW: LeadershipView = { term: 4 as Term, leader: undefined };
const RESPONSE = Uint8Array.of(1, 2, 3);

const at = (term: number, index: number): EntryId => ({ term: term as Term, index: index as LogIndex });

function open(proposals: Proposals): { id: number; answers: Uint8Array[] } {
  const answers: Uint8Array[] = [];
  const id = proposals.open({ span: undefined, answer: (response) => answers.push(response) });
  return { id, answers };
}

function accepted(proposals: Proposals, { term, index }: EntryId): Uint8Array[] {
  const { id, answers } = open(proposals);
  proposals.accepted(id, index, term);
  return answers;
}

function refusedBy(answers: readonly Uint8Array[]): NodeAnswer {
  expect(answers).toHaveLength(1);
  return decodeProposeResponse(answers[0]!);
}

describe("Proposals", () => {
  it("answers once with what the applier encoded", () => {
    const proposals = new Proposals();
    const answers = accepted(proposals, at(3, 7));
    expect(proposals.owed([at(3, 6), at(3, 7)])).toEqual([{ index: 7, answerAs: undefined }]);
    const answer = { ...at(3, 7), response: RESPONSE };
    proposals.answered([answer, answer]);
    expect(answers).toEqual([RESPONSE]);
    expect(proposals.size).toBe(0);
  });

  it("tells why Raft refused, and who leads", () => {
    const proposals = new Proposals();
    const { id, answers } = open(proposals);
    proposals.refused(id, "wrong-term", VIEW);
    expect(refusedBy(answers)).toEqual({ kind: "refused", refusal: { reason: "wrong-term", ...VIEW } });
  });

  it("knows that a proposal has no effect once another term's entry is committed in its place", () => {
    const proposals = new Proposals();
    const answers = accepted(proposals, at(3, 7));
    expect(proposals.owed([at(5, 7)])).toEqual([]);
    expect(refusedBy(answers)).toMatchObject({ refusal: { reason: "superseded" } });
    expect(proposals.size).toBe(0);
  });

  it("leaves an older proposal open while a newer one stands at its index, for another member may hold the older", () => {
    const proposals = new Proposals();
    const older = accepted(proposals, at(3, 7));
    const newer = accepted(proposals, at(5, 7));
    expect(older).toEqual([]);
    expect(proposals.owed([at(3, 7)])).toEqual([{ index: 7, answerAs: undefined }]);
    proposals.answered([{ ...at(3, 7), response: RESPONSE }]);
    expect(older).toEqual([RESPONSE]);
    expect(refusedBy(newer)).toMatchObject({ refusal: { reason: "superseded" } });
  });
});
