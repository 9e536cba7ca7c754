#!/bin/sh
# Makes the passwords that docker-compose.yml reads from secrets/, once: `sh examples/write-through/secrets.sh`.
cd "$(dirname "$0")"
. ../shared/secrets.sh

keep postgres_password "$(password)"
keep redis_password "$(password)"
keep redis_conf "requirepass $(cat secrets/redis_password)"
keep redis_url "redis://:$(cat secrets/redis_password)@redis:6379"
keep postgres_url "postgres://users:$(cat secrets/postgres_password)@postgres:5432/users"
