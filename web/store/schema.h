/*
 * schema - the tables, as numbered migrations.
 *
 * A migration is never changed once it was released: a new one follows it.
 * PRAGMA user_version tells how many were applied.
 */
#pragma once

#include "base/error.h"

struct sqlite3;

/* Bring the database up to date, each migration in its own transaction. */
int schema_migrate(struct sqlite3 *db, struct error *err);
