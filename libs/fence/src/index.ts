export { explainFence, fenceOf, putFence, type DamagedPart, type FenceMark } from "./fence-mark";
export { recoverMember, RecoveryRefusedError } from "./recover-member";
