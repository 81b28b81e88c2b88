/* Questions by UDP: one socket for all instances. */
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "names.h"

#define AT_ONCE 64        /* then others have their turn */
#define QUESTION_MAX 4096 /* bytes; all that is known is far shorter */

static void came(struct names *n, struct sockaddr_in *from, struct str message)
{
	struct ip ip = ip_from4(ntohl(from->sin_addr.s_addr));
	const struct endpoint *e = who_at(&n->who, &ip);
	struct asker who = {.app = e ? e->app : 0,
	    .address = from->sin_addr.s_addr,
	    .port = from->sin_port};

	if (who_is_instance(&ip))
		ask(n, &who, message);
}

static void ready(struct ev_io *io, unsigned events)
{
	struct names *n = container_of(io, struct names, udp);

	for (int i = 0; i < AT_ONCE; i++) {
		char question[QUESTION_MAX];
		struct sockaddr_in from;
		socklen_t size = sizeof(from);
		ssize_t got = recvfrom(io->fd, question, sizeof(question),
		    MSG_TRUNC, (struct sockaddr *)&from, &size);

		if (got == -1 && errno != EINTR)
			return;
		if (got > 0 && got <= QUESTION_MAX && size == sizeof(from))
			came(n, &from, str_make(question, (size_t)got));
	}
}

void udp_send(struct names *n, const struct asker *who, struct str message)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_addr.s_addr = who->address,
	    .sin_port = who->port};

	/* What does not go out is asked for again. */
	(void)sendto(n->udp.fd, message.p, message.len, 0,
	    (struct sockaddr *)&to, sizeof(to));
}

int udp_open(struct names *n, int fd, struct error *err)
{
	n->udp = (struct ev_io){.fd = fd, .ready = ready};
	return ev_io_add(n->ev, &n->udp, EV_READ, err);
}
