import type { Manifest, Mapping } from "./render-chart";

export interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string; readonly scheme?: string };
}

export interface Container {
  readonly name: string;
  readonly args?: readonly string[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
  readonly securityContext: Mapping;
  readonly resources: Mapping;
  readonly startupProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly livenessProbe?: Probe;
}

/** Something that makes pods, with what of its template tests look at. */
export interface PodOwner {
  readonly kind: string;
  readonly name: string;
  readonly replicas: number;
  readonly spec: Mapping;
  /** The headless service that names its pods. */
  readonly service: string | undefined;
  readonly template: unknown;
  readonly labels: Readonly<Record<string, string>>;
  readonly security: Mapping;
  readonly tokenMounted: boolean | undefined;
  readonly containers: readonly Container[];
  readonly volumes: readonly { readonly name: string; readonly configMap?: { readonly name: string } }[];
  /** Names of the claims that each pod has for itself. */
  readonly claims: readonly string[];
}

interface OwnerSpec {
  readonly replicas: number;
  readonly serviceName?: string;
  readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[];
  readonly template: {
    readonly metadata: { readonly labels: Readonly<Record<string, string>> };
    readonly spec: {
      readonly securityContext: Mapping;
      readonly automountServiceAccountToken?: boolean;
      readonly containers: readonly Container[];
      readonly volumes?: PodOwner["volumes"];
    };
  };
}

export function podsOf(manifests: readonly Manifest[]): PodOwner[] {
  return manifests
    .filter(({ kind }) => kind === "StatefulSet" || kind === "Deployment")
    .map(({ kind, metadata, spec }) => {
      const { replicas, serviceName, volumeClaimTemplates, template } = spec as unknown as OwnerSpec;
      return {
        kind,
        name: metadata.name,
        replicas,
        spec: spec!,
        service: serviceName,
        template,
        labels: template.metadata.labels,
        security: template.spec.securityContext,
        tokenMounted: template.spec.automountServiceAccountToken,
        containers: template.spec.containers,
        volumes: template.spec.volumes ?? [],
        claims: (volumeClaimTemplates ?? []).map((claim) => claim.metadata.name),
      };
    });
}
