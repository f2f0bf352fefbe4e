/** A member that the cluster begins with. */
export interface Founder {
    readonly name: string;
    readonly peerUrls: readonly string[];
}
/**
 * The id of a founder, as etcd derives it, so that all founders agree on it without having met: of what peers are told to reach it by,
 * and the cluster's token.
 */
export declare function founderId(peerUrls: readonly string[], token: string): bigint;
/** The id of the cluster that `members` found, likewise. */
export declare function foundedClusterId(members: readonly bigint[]): bigint;
/** @returns The members that `--initial-cluster` names: NAME=URL, with commas between them; a name may have several URLs. */
export declare function parseInitialCluster(text: string): Founder[];
//# sourceMappingURL=member-ids.d.ts.map