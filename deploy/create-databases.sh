#!/bin/sh
# Creates the roles and databases. Postgres' image runs this once, when it creates its data folder.
set -eu

psql --quiet --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" <<'END'
\getenv receiver RECEIVER_PASSWORD
\getenv tap TAP_PASSWORD
\getenv loader LOADER_PASSWORD
CREATE ROLE receiver LOGIN PASSWORD :'receiver';
CREATE ROLE tap LOGIN PASSWORD :'tap';
CREATE ROLE loader LOGIN PASSWORD :'loader';
CREATE DATABASE inbox OWNER receiver;
CREATE DATABASE warehouse OWNER loader;
REVOKE CONNECT ON DATABASE inbox, warehouse FROM PUBLIC;
GRANT CONNECT ON DATABASE inbox TO tap;
END
