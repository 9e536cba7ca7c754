#!/bin/sh
# Makes the passwords that docker-compose.yml reads from secrets/, once: `sh examples/cache-aside/secrets.sh`.
cd "$(dirname "$0")"
. ../shared/secrets.sh

keep mysql_root_password "$(password)"
keep mysql_password "$(password)"
keep redis_password "$(password)"
keep redis_conf "requirepass $(cat secrets/redis_password)"
keep redis_url "redis://:$(cat secrets/redis_password)@redis:6379"
keep mysql_url "mysql://fruit:$(cat secrets/mysql_password)@mariadb:3306/grocerydb"
