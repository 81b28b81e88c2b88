/*
 * oci - config.json of an instance: the text an OCI runtime is given.
 *
 * Pure. Holds no secret: config vars reach the instance as a sealed memfd.
 * The process runs as 1000:1000 of its own user namespace without any
 * capability, or as its owner: 0:0 with what it takes to keep files of any
 * owner. The network namespace is the one the runtime was started in.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

#define OCI_MAX (512 * 1024) /* bytes of config.json */
#define OCI_UID 1000         /* of the process, inside */
#define OCI_LIST_MAX 512     /* arguments, or environment items */

struct oci_mount {
	const char *from; /* a path of the host, bound there */
	const char *to;
	bool write;
};

struct oci_tmpfs {
	const char *to;
	uint64_t bytes, inodes;
	unsigned mode;
	bool mine; /* owned by the process, not by root of the instance */
};

struct oci {
	const char *root; /* absolute path of the root file system */
	bool root_readonly;
	const char *cwd;
	const char *hostname;
	const struct str *args, *env;
	size_t nargs, nenv;
	const struct oci_mount *mounts;
	size_t nmounts;
	const struct oci_tmpfs *tmpfs;
	size_t ntmpfs;
	uint32_t id_base; /* host id of the instance's id 0 */
	bool owner;       /* run as its root; our own programs alone */
	bool terminal;
	uint64_t rows, cols;  /* 0: the runtime's default */
	const char *cgroup;   /* for runc, which wants a name; or NULL */
	const char *apparmor; /* the profile, where the host has it; or NULL */
};

/* Append the whole text; out is bad when it can't be said in JSON. */
void oci_print(const struct oci *o, struct buf *out);

/* Only what runs in it and as whom: an object, for the runtime's exec. */
void oci_process_print(const struct oci *o, struct buf *out);

/* Is key the name of an item "KEY=value" among env? */
bool oci_env_has(const struct str *env, size_t n, const char *key);
