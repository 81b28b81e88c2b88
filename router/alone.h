/*
 * alone - the router without a platform: hosts from a file, instances at
 * addresses, as many loops as asked for.
 *
 *   paas-router --map FILE --listen ADDR:PORT [...]
 */
#pragma once

/* Returns the exit status: 0, 1 when it can't run, 2 for a wrong command. */
int alone_main(int argc, char **argv);
