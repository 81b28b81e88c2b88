/*
 * ctl - talking to an instance's shim: signals, clients to attach, and the
 * size of their terminals.
 *
 * The connection is made when it is first needed and kept until the instance
 * ends. What is to be said waits for the shim to greet.
 */
#pragma once
#include "instance.h"

void ctl_signal(struct instance *in, int signo);
void ctl_resize(struct instance *in, unsigned rows, unsigned cols);
/* fd is duplicated; it stays the caller's. */
void ctl_attach(struct instance *in, int fd);
/* Forget what waits, close the connection. */
void ctl_close(struct instance *in);
