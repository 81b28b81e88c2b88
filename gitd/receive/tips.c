#include "tips.h"

#include <assert.h>
#include <git2.h>
#include <git2/sys/odb_backend.h>

#include "base/mem.h"

struct tips {
	git_odb *odb;
};

struct tips *tips_open(struct error *err)
{
	struct tips *t = xcalloc(1, sizeof(*t));

	if (git_odb_open(&t->odb, "objects") == 0)
		return t;
	error_set(err, ERR_INTERNAL, "open the objects of the repository: %s",
	    git_error_last()->message);
	free(t);
	return NULL;
}

void tips_close(struct tips *t)
{
	if (t)
		git_odb_free(t->odb);
	free(t);
}

int tips_add(struct tips *t, const char *objects, struct error *err)
{
	if (git_odb_add_disk_alternate(t->odb, objects) == 0 &&
	    git_odb_refresh(t->odb) == 0)
		return 0;
	return error_set(err, ERR_INTERNAL, "open the new objects: %s",
	    git_error_last()->message);
}

static bool find(struct tips *t, struct str id, git_object_t *ret)
{
	size_t size;
	git_oid oid;

	return git_oid_fromstrn(&oid, id.p, id.len) == 0 &&
	       git_odb_read_header(&size, ret, t->odb, &oid) == 0;
}

bool tips_has(struct tips *t, struct str id)
{
	git_object_t type;

	return find(t, id, &type);
}

const char *tips_refusal(struct tips *t, struct str name, struct str id)
{
	git_object_t type;

	assert(id.len == GIT_OID_HEXSZ);
	if (!find(t, id, &type))
		return "missing necessary objects";
	if (str_starts(name, STR("refs/heads/")) && type != GIT_OBJECT_COMMIT)
		return "a branch must point to a commit";
	return NULL;
}
