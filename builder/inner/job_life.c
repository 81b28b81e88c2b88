/* The places of a build container of the platform's. */
#include "jobs.h"
#include "pack.h"

struct life job_life(void)
{
	struct life l = {.api = PLATFORM_API_NEWEST,
	    .heroku = true,
	    .app = "/app",
	    .layers = "/layers",
	    .platform = "/platform",
	    .buildpacks = "/cnb/buildpacks",
	    .extensions = "/cnb/extensions",
	    .build_config = "/cnb/build-config",
	    .exec_env = "production",
	    .uid = PACK_UID,
	    .gid = PACK_UID};

	life_target_here(&l.target);
	return l;
}
