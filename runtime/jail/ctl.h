/*
 * ctl - talking to an instance's shim: signals, and clients to attach.
 *
 * The connection is made when it is first needed and kept until the instance
 * ends. What is to be said waits for the shim to greet.
 */
#pragma once
#include "instance.h"

void ctl_signal(struct instance *in, int signo);
/* fd is duplicated; it stays the caller's. */
void ctl_attach(struct instance *in, int fd);
/* Forget what waits, close the connection. */
void ctl_close(struct instance *in);
