/*
 * request - one HTTP request: its path, its login, and what answers it.
 *
 * Called by libmicrohttpd through http.c. A connection is suspended whenever
 * nothing can be read from it or written to it; what it waits for resumes it.
 */
#pragma once
#include <microhttpd.h>

/* An MHD_AccessHandlerCallback; cls is the struct gitd. */
enum MHD_Result request_step(void *cls, struct MHD_Connection *conn,
    const char *url, const char *method, const char *version,
    const char *upload, size_t *upload_size, void **state);
/* An MHD_RequestCompletedCallback. */
void request_done(void *cls, struct MHD_Connection *conn, void **state,
    enum MHD_RequestTerminationCode how);
