#!/usr/bin/env bash
# Makes the certificates beside it anew. They protect nothing: their keys are public. Valid for a hundred years.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
rm -f ./*.pem ./*.key

# NAME SUBJECT: one that signs.
authority() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 \
    -keyout "$1.key" -out "$1.pem" -subj "/CN=$2"
}

# NAME SUBJECT AUTHORITY EXTENSIONS
signed() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$2"
  openssl x509 -req -in "$1.csr" -CA "$3.pem" -CAkey "$3.key" -CAcreateserial -days 36500 -out "$1.pem" \
    -extfile <(printf '%s\n' "$4")
  rm -f "$1.csr"
}

here="subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1"
authority authority "Test authority"
authority stranger "Another authority"
signed server "server" authority "$here"
signed replacement "replacement" authority "$here"
signed client "root" authority "extendedKeyUsage=clientAuth"
signed intruder "root" stranger "extendedKeyUsage=clientAuth"
signed revoked "root" authority "extendedKeyUsage=clientAuth"

# The list of those that count no more.
touch index.txt
cat >list.conf <<'CONF'
[ca]
default_ca = here
[here]
database = index.txt
default_md = sha256
default_crl_days = 36500
CONF
openssl ca -config list.conf -revoke revoked.pem -keyfile authority.key -cert authority.pem
openssl ca -config list.conf -gencrl -keyfile authority.key -cert authority.pem -out revocations.pem

rm -f ./*.srl stranger.pem authority.key stranger.key index.txt* list.conf
