import { randomChance, type Prng } from "@quorate/base";
import { CLUSTER_VERSION_MAX } from "@quorate/state-machine";

/** Now and then all members have to run this build at once, or the version is never raised while there are faults. */
const THIS_BUILD_CHANCE = 0.7;

/** Which build each start of a member is of: this one, or the one before until that is found to be too old. */
export class BuildChoice {
  #clusterVersionMax = CLUSTER_VERSION_MAX;
  /** Whether its operator has learned that only this build will do. */
  #needsThisBuild = false;
  #refusals = 0;

  constructor(
    private readonly options: { readonly mixesBuilds: boolean },
    private readonly dependencies: { readonly prng: Prng },
  ) {}

  /** The highest cluster version that the build of the newest start can apply. */
  get clusterVersionMax(): number {
    return this.#clusterVersionMax;
  }

  get isThisBuild(): boolean {
    return this.#clusterVersionMax === CLUSTER_VERSION_MAX;
  }

  /** How often the build before has found that it is too old, and ended. */
  get refusals(): number {
    return this.#refusals;
  }

  draw(): void {
    const isThisBuild =
      !this.options.mixesBuilds ||
      this.#needsThisBuild ||
      randomChance(this.dependencies.prng, THIS_BUILD_CHANCE);
    this.#clusterVersionMax = isThisBuild ? CLUSTER_VERSION_MAX : CLUSTER_VERSION_MAX - 1;
  }

  /** The build before is too old. */
  refused(): void {
    this.#refusals += 1;
    this.upgrade();
  }

  /** From now on only this build is started. */
  upgrade(): void {
    this.#needsThisBuild = true;
  }
}
