/*
 * init - PID 1 of an instance: starts one process, forwards signals, reaps.
 *
 * Called by the launcher's main when it is PID 1. SIGTERM goes to every
 * process of the instance, as Heroku's dynos do; other signals to the child.
 */
#pragma once

/* Run file with argv and env; returns what the instance should exit with. */
int init_run(const char *file, char *const *argv, char *const *env);
