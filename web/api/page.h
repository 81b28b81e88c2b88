/*
 * page - what people see in a browser: the dashboard's files, and a page for
 * an app in maintenance.
 */
#pragma once
#include "api/request.h"

/* Answer with the dashboard's file of this path; false: there is none. */
bool page_asset(struct request *r, struct str path);
/* Answer with the dashboard when a page is asked for. */
bool page_index(struct request *r);
void page_maintenance(struct request *r);
