#!/bin/sh
# Makes the passwords that docker-compose.yml reads from secrets/, once: `sh examples/write-behind/secrets.sh`.
cd "$(dirname "$0")"
. ../shared/secrets.sh

keep mysql_root_password "$(password)"
keep mysql_password "$(password)"
keep rabbitmq_password "$(password)"
keep rabbitmq_conf "default_user = order
default_pass = $(cat secrets/rabbitmq_password)"
keep amqp_url "amqp://order:$(cat secrets/rabbitmq_password)@rabbitmq:5672"
keep mysql_url "mysql://order:$(cat secrets/mysql_password)@mariadb:3306/people"
