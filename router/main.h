/* main - what both ways of running share. */
#pragma once

/*
 * Raise the limit of descriptors as far as it goes; returns how many clients
 * that leaves room for, beside their upstreams and the stocks of sockets.
 */
unsigned clients_max(void);
