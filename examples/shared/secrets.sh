#!/bin/sh
# Makes secrets for a compose file, each once and each its own: sourced by the secrets.sh of an application.
# The folder is closed to others on this machine; the files are not, for containers read them as users of their own.
set -eu
umask 022
mkdir -p secrets
chmod 700 secrets

password() { head -c 24 /dev/urandom | base64 | tr '+/' '-_' | tr -d '\n'; }

# keep NAME TEXT: does not touch what is there, for servers remember the first one.
keep() { [ -e "secrets/$1" ] || printf '%s\n' "$2" >"secrets/$1"; }
