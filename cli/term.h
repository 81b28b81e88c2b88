/*
 * term - the user's terminal: questions, secrets, raw mode.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* Ask on the terminal; the answer without its newline. False: no terminal. */
bool term_ask(const char *question, char *out, size_t n);
/* The same without showing what is typed. */
bool term_ask_secret(const char *question, char *out, size_t n);

struct term_size {
	unsigned rows, columns; /* 0: not a terminal */
};
struct term_size term_size(int fd);

/*
 * Give every key to the program until term_restore, which also runs on exit
 * and when a signal ends the program.
 */
int term_raw(int fd, struct error *err);
void term_restore(void);
