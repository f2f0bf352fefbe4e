import { brokerPermissions, type BrokerRole, type ClusterName } from "@quorate/wire";
import { loginOf } from "@quorate/transport-nats";

/** Somebody whom the broker knows by a key. */
export interface BrokerLogin {
  /** For people who read the configuration. */
  readonly name: string;
  readonly roles: readonly BrokerRole[];
  /** See `BrokerUser.member`. */
  readonly member?: string;
  readonly publicKey: string;
}

export interface BrokerUsers {
  readonly cluster: ClusterName;
  readonly logins: readonly BrokerLogin[];
  /** Whether whoever gives no credentials is a client; else nobody without credentials gets in. */
  readonly admitsAnyone: boolean;
}

/** No secret: whoever knows it is what he is without. The broker wants one for this user, and compares it as it stands. */
const ANYONE = "anonymous";

/**
 * The part of a nats-server configuration (2.9 and newer) that says who there is and what each may do. All are in one account, the
 * broker's own: what a user may publish and hear is in the user's permissions alone.
 *
 * @throws {TypeError} Two logins have keys that begin alike, and would share their inboxes.
 */
export function brokerUsersText({ cluster, logins, admitsAnyone }: BrokerUsers): string {
  if (new Set(logins.map(({ publicKey }) => loginOf(publicKey))).size < logins.length)
    throw new TypeError("two users of the broker have keys that begin alike");
  const users = logins.map(({ name, roles, member, publicKey }) =>
    userText(
      `${name}: ${roles.join(", ")}${member === undefined ? "" : ` ${member}`}`,
      [`nkey: ${quoted(publicKey)}`],
      {
        cluster,
        user: { roles, user: loginOf(publicKey), ...(member !== undefined && { member }) },
      },
    ),
  );
  const anyone = userText(
    "whoever gives no credentials: client",
    [`user: ${quoted(ANYONE)}`, `password: ${quoted(ANYONE)}`],
    { cluster, user: { roles: ["client"], user: undefined } },
  );
  return [
    ...(admitsAnyone ? [`no_auth_user: ${quoted(ANYONE)}`] : []),
    "authorization {",
    // The broker's own limit of 2 s is short for a machine on which everything starts at once.
    "  timeout: 10",
    "  users: [",
    ...[...users, ...(admitsAnyone ? [anyone] : [])].flat(),
    "  ]",
    "}",
    "",
  ].join("\n");
}

function userText(
  comment: string,
  identity: readonly string[],
  {
    cluster,
    user,
  }: { readonly cluster: ClusterName; readonly user: Parameters<typeof brokerPermissions>[1] },
): string[] {
  const { publish, subscribe } = brokerPermissions(cluster, user);
  const allowed = subscribe.map(({ subject, queue }) =>
    typeof queue === "string" ? subject : `${subject} ${queue.group}`,
  );
  // A subject followed by `>`: in whatever queue group. Who shared Raft messages with others would miss some.
  const denied = subscribe.flatMap(({ subject, queue }) => (queue === "none" ? [`${subject} >`] : []));
  return [
    `    # ${comment}`,
    "    {",
    ...identity.map((line) => `      ${line}`),
    "      permissions {",
    ...listText("publish", { allow: publish }),
    ...listText("subscribe", { allow: allowed, deny: denied }),
    "      }",
    "    }",
  ];
}

function listText(operation: string, lists: Readonly<Record<string, readonly string[]>>): string[] {
  const given = Object.entries(lists).filter(([, subjects]) => subjects.length > 0);
  return [
    `        ${operation} {`,
    ...given.flatMap(([verdict, subjects]) => [
      `          ${verdict}: [`,
      ...subjects.map((subject) => `            ${quoted(subject)}`),
      "          ]",
    ]),
    "        }",
  ];
}

/** JSON's strings are strings of that language as well, but for `\uXXXX`, which nothing here needs. */
export function quoted(text: string): string {
  return JSON.stringify(text);
}
