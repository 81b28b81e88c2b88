/* table - every route: the one place where one is added. */
#include "api/handlers.h"
#include "api/route.h"

#define APP "/apps/{app}"

const struct route routes[] = {
    {METHOD_GET, "/account", ACTION_ACCOUNT_READ, on_account},
    {METHOD_GET, "/users/~", ACTION_ACCOUNT_READ, on_account},
    {METHOD_POST, "/session", ACTION_PUBLIC, on_session_create},
    {METHOD_DELETE, "/session", ACTION_ACCOUNT_READ, on_session_delete},
    {METHOD_GET, "/oauth/authorizations", ACTION_TOKEN_READ, on_tokens},
    {METHOD_POST, "/oauth/authorizations", ACTION_TOKEN_WRITE, on_token_create},
    {METHOD_GET, "/oauth/authorizations/{id}", ACTION_TOKEN_READ,
        on_token_info},
    {METHOD_DELETE, "/oauth/authorizations/{id}", ACTION_TOKEN_WRITE,
        on_token_delete},
    {METHOD_GET, "/regions", ACTION_ACCOUNT_READ, on_regions},
    {METHOD_GET, "/stacks", ACTION_ACCOUNT_READ, on_stacks},
    {METHOD_GET, "/dyno-sizes", ACTION_ACCOUNT_READ, on_sizes},
    {METHOD_GET, "/dyno-sizes/{size}", ACTION_ACCOUNT_READ, on_size_info},
    {METHOD_GET, "/addons", ACTION_APPS_READ, on_nothing},

    {METHOD_GET, "/platform/doctor", ACTION_PLATFORM_READ, on_doctor},

    {METHOD_GET, "/apps", ACTION_APPS_READ, on_apps},
    {METHOD_GET, "/users/~/apps", ACTION_APPS_READ, on_apps},
    {METHOD_POST, "/apps", ACTION_APPS_CREATE, on_app_create},
    {METHOD_GET, APP, ACTION_APP_READ, on_app_info},
    {METHOD_PATCH, APP, ACTION_APP_OWN, on_app_change},
    {METHOD_DELETE, APP, ACTION_APP_OWN, on_app_delete},
    {METHOD_GET, APP "/addons", ACTION_APP_READ, on_nothing},
    {METHOD_GET, APP "/addon-attachments", ACTION_APP_READ, on_nothing},
    {METHOD_GET, APP "/sni-endpoints", ACTION_APP_READ, on_nothing},
    {METHOD_GET, APP "/log-drains", ACTION_APP_READ, on_nothing},
    {METHOD_GET, APP "/buildpack-installations", ACTION_APP_READ, on_nothing},
    {METHOD_GET, APP "/features", ACTION_APP_READ, on_nothing},

    {METHOD_GET, APP "/domains", ACTION_APP_READ, on_domains},
    {METHOD_POST, APP "/domains", ACTION_APP_WRITE, on_domain_create},
    {METHOD_GET, APP "/domains/{host}", ACTION_APP_READ, on_domain_info},
    {METHOD_DELETE, APP "/domains/{host}", ACTION_APP_WRITE, on_domain_delete},
    {METHOD_GET, APP "/collaborators", ACTION_APP_READ, on_collaborators},
    {METHOD_POST, APP "/collaborators", ACTION_APP_OWN, on_collaborator_create},
    {METHOD_DELETE, APP "/collaborators/{who}", ACTION_APP_OWN,
        on_collaborator_delete},

    {METHOD_GET, APP "/config-vars", ACTION_APP_SECRETS, on_config},
    {METHOD_PATCH, APP "/config-vars", ACTION_APP_CONFIGURE, on_config_change},
    {METHOD_GET, APP "/releases", ACTION_APP_READ, on_releases},
    {METHOD_POST, APP "/releases", ACTION_APP_DEPLOY, on_release_create},
    {METHOD_GET, APP "/releases/{release}", ACTION_APP_READ, on_release_info},
    {METHOD_GET, APP "/releases/{release}/config-vars", ACTION_APP_SECRETS,
        on_release_config},
    {METHOD_GET, APP "/builds", ACTION_APP_READ, on_builds},
    {METHOD_GET, APP "/builds/{build}", ACTION_APP_READ, on_build_info},
    {METHOD_DELETE, APP "/builds/{build}", ACTION_APP_DEPLOY, on_build_delete},

    {METHOD_GET, APP "/idle", ACTION_APP_READ, on_idle},
    {METHOD_PATCH, APP "/idle", ACTION_APP_WRITE, on_idle_change},
    {METHOD_GET, APP "/formation", ACTION_APP_READ, on_formations},
    {METHOD_PATCH, APP "/formation", ACTION_APP_WRITE, on_formation_change},
    {METHOD_GET, APP "/available-dyno-sizes", ACTION_APP_READ, on_sizes},
    {METHOD_GET, APP "/formation/{type}", ACTION_APP_READ, on_formation_info},
    {METHOD_PATCH, APP "/formation/{type}", ACTION_APP_WRITE, on_formation_one},
    {METHOD_DELETE, APP "/formations/{type}", ACTION_APP_WRITE, on_type_stop},
    {METHOD_POST, APP "/formations/{type}/actions/stop", ACTION_APP_WRITE,
        on_type_stop},
    {METHOD_GET, APP "/dynos", ACTION_APP_READ, on_dynos},
    {METHOD_POST, APP "/dynos", ACTION_APP_RUN, on_run},
    {METHOD_DELETE, APP "/dynos", ACTION_APP_WRITE, on_dynos_restart},
    {METHOD_GET, APP "/dynos/{dyno}", ACTION_APP_READ, on_dyno_info},
    {METHOD_POST, APP "/dynos/{dyno}", ACTION_APP_RUN, on_run_inside},
    {METHOD_POST, APP "/dynos/{dyno}/actions/resize", ACTION_APP_RUN,
        on_dyno_resize},
    {METHOD_DELETE, APP "/dynos/{dyno}", ACTION_APP_WRITE, on_dyno_stop},
    {METHOD_POST, APP "/dynos/{dyno}/actions/stop", ACTION_APP_WRITE,
        on_dyno_stop},
    {METHOD_POST, APP "/log-sessions", ACTION_APP_LOGS, on_log_session},

    /* The secret in the path is what lets them in. */
    {METHOD_GET, "/logs/{secret}", ACTION_PUBLIC, on_logs},
    {METHOD_GET, "/streams/{secret}", ACTION_PUBLIC, on_output},
};

const size_t routes_count = NELEM(routes);
