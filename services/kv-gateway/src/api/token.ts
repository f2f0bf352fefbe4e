/** etcd takes a token with or without the word that HTTP wants before it. */
export function tokenOf(authorization: string | undefined): string | undefined {
  const token = authorization?.replace(/^Bearer /, "");
  return token === "" ? undefined : token;
}
