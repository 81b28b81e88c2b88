/*
 * dns - questions and answers of DNS, as far as a forwarder needs them.
 *
 * Pure: bytes in, struct out; no allocation, no state. Called by
 * runtime/names, which answers some names itself and passes all else on, and
 * by the fuzzer. A message is at most 64 KiB; over TCP two bytes with its
 * length stand before it, which is the caller's matter.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "wire/ip.h"

#define DNS_MAX 65535 /* bytes of a message */
#define DNS_UDP 512   /* of an answer by UDP to who says nothing else */
#define DNS_HEAD 12   /* bytes of the head */
#define DNS_NAME 254  /* a name as dotted text, and a NUL */

enum dns_type { DNS_A = 1, DNS_AAAA = 28 };
enum dns_code {
	DNS_NOERROR = 0,
	DNS_FORMERR = 1,
	DNS_SERVFAIL = 2,
	DNS_NXDOMAIN = 3,
	DNS_NOTIMP = 4,
	DNS_REFUSED = 5
};

struct dns_question {
	uint16_t id, type, class;
	bool recursion;      /* desired */
	unsigned udp_max;    /* bytes the asker takes by UDP */
	size_t end;          /* of the question, in the message */
	char name[DNS_NAME]; /* in lower case, without the last dot; bytes
	                        that are no letter, digit, - or _ as '?' */
};

/*
 * Read a question: exactly one, of opcode 0, whole. -1 when it is none; then
 * *ret_why is what to answer (with dns_id and an empty question), NOERROR
 * when nothing is to be said.
 */
int dns_question(struct str message, struct dns_question *ret,
    enum dns_code *ret_why, struct error *err);

/* Does reply have this id and answer the question of `asked`? */
bool dns_replies(struct str reply, struct str asked, uint16_t id);
/* Set the id of a message of at least DNS_HEAD bytes. */
void dns_set_id(char *message, uint16_t id);
uint16_t dns_id(struct str message);
bool dns_truncated(struct str message);
enum dns_code dns_rcode(struct str message);

/* Call each with every address in the answers of a reply. -1: malformed. */
int dns_addresses(
    struct str reply, void (*each)(void *arg, const struct ip *ip), void *arg);

/*
 * Answer the question q of message with these addresses of its family, each
 * good for ttl seconds, or with none; as many as fit into max bytes, and then
 * marked as cut. Appends to out.
 */
void dns_answer(struct str message, const struct dns_question *q,
    enum dns_code code, const struct ip *ips, size_t n, uint32_t ttl,
    size_t max, struct buf *out);
