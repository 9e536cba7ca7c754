#!/bin/sh
# Makes the password that docker-compose.yml reads from secrets/, once: `sh examples/cache-tiering/secrets.sh`.
cd "$(dirname "$0")"
. ../shared/secrets.sh

keep redis_password "$(password)"
keep redis_conf "requirepass $(cat secrets/redis_password)"
keep redis_url "redis://:$(cat secrets/redis_password)@redis:6379"
