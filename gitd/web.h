/*
 * web - the connection to the program that owns the database.
 *
 * Each time it comes up gitd asks for the pushes that are not settled; new
 * builds are asked for only after that list.
 */
#pragma once
#include "gitd.h"

void web_connect(struct gitd *g);
