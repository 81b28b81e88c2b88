#include "fetch.h"

#include "git.h"
#include "ipc/peer.h"
#include "wire/frame.h"

int fetch_serve(const struct fetch_job *job, struct error *err)
{
	scoped_frame_out struct frame_out o = frame_begin(MSG_RECEIVE_DONE, 0);
	const char *args[] = {"upload-pack", "--strict", "--timeout=60",
	    "--stateless-rpc", job->refs ? "--http-backend-info-refs" : ".",
	    job->refs ? "." : NULL, NULL};
	struct git_run run = {.args = args,
	    .protocol = job->protocol,
	    .in = job->body,
	    .out = job->out,
	    .conn = job->conn};

	if (git_run(&run, err) == -1)
		return -1;
	frame_put_u64(&o, F_BYTES, 0);
	return ipc_send_fd(job->conn, &o, err);
}
