/*
 * appjson - app.json at the root of an app, as far as the platform uses it.
 *
 * Heroku's file: what the repository says of how its app runs (cron jobs,
 * health checks, sizes). The build reads it before any buildpack runs, so
 * that a broken one costs no build; the export reads what the buildpacks
 * left, since one may bring it up from a subfolder. What its parts mean is
 * web's to judge.
 */
#pragma once
#include <jansson.h>

#include "base/error.h"

#define APPJSON_BYTES_MAX (64u * 1024) /* of the file */
/* Of the parts that are used, as compact text: F_APP_JSON of a frame. */
#define APPJSON_USED_MAX 16384

/*
 * Read app.json in folder dir. *ret is a string with the parts that the
 * platform uses as compact JSON, NULL when there is no file or none of them.
 */
int appjson_read(int dir, json_t **ret, struct error *err);
