/*
 * msg - every frame that daemons exchange: who may send it to whom, with
 * which fields and descriptors. The one place where the wire is described.
 *
 * msg_check runs on every frame received, before any handler: the sender's
 * role, each field's form (number, text, grammar, length), that required
 * fields are there and how many descriptors came. So a handler may read what
 * its row requires without asking again.
 *
 * Who connects to whom (NAME.sock in the run folder):
 *   gitd, builder -> web.sock      web, builder -> plan.sock
 *   plan          -> jail.sock     web, plan, logd -> router.sock
 *   web, plan     -> logd.sock     gitd -> receive.sock, builder -> export.sock
 *   jail          -> the shim's ctl socket
 *   jail and router hold the two ends of a pair that the holder keeps.
 */
#pragma once
#include <stdint.h>

#include "base/error.h"
#include "ipc/role.h"
#include "wire/frame.h"

#define IPC_VERSION 1 /* in every hello; peers take the one before, too */

enum field_kind { KIND_U64, KIND_TEXT, KIND_NAME };

/*
 * FIELD(tag, kind, longest in bytes, grammar of base/name.h or NULL).
 * TEXT is UTF-8 or not, without NUL. NAME passes its grammar.
 */
#define FIELD_TABLE(FIELD)                                                     \
	FIELD(F_VERSION, KIND_U64, 8, NULL)                                    \
	FIELD(F_ROLE, KIND_U64, 8, NULL)                                       \
	FIELD(F_CODE, KIND_U64, 8, NULL) /* enum errc */                       \
	FIELD(F_SYS, KIND_U64, 8, NULL)  /* errno */                           \
	FIELD(F_TEXT, KIND_TEXT, 32768, NULL)                                  \
	FIELD(F_SEQ, KIND_U64, 8, NULL)                                        \
	FIELD(F_EPOCH, KIND_U64, 8, NULL)                                      \
	FIELD(F_COUNT, KIND_U64, 8, NULL)                                      \
	FIELD(F_BYTES, KIND_U64, 8, NULL)                                      \
	FIELD(F_FILES, KIND_U64, 8, NULL)                                      \
	FIELD(F_MS, KIND_U64, 8, NULL)    /* a duration */                     \
	FIELD(F_TIME, KIND_U64, 8, NULL)  /* real time in ms */                \
	FIELD(F_STATE, KIND_U64, 8, NULL) /* an enum named by the message */   \
	FIELD(F_KIND, KIND_U64, 8, NULL)  /* enum instance_kind */             \
	FIELD(F_OP, KIND_U64, 8, NULL)                                         \
	FIELD(F_OFFSET, KIND_U64, 8, NULL)                                     \
	/* apps, releases */                                                   \
	FIELD(F_APP, KIND_U64, 8, NULL) /* the row id of the app */            \
	FIELD(F_APP_NAME, KIND_NAME, 30, name_app)                             \
	FIELD(F_RELEASE, KIND_U64, 8, NULL)    /* the N of vN */               \
	FIELD(F_SLOT, KIND_U64, 8, NULL)       /* enum want_slot */            \
	FIELD(F_GENERATION, KIND_U64, 8, NULL) /* a restart raises it */       \
	FIELD(F_IMAGE, KIND_NAME, 64, name_sha256)                             \
	FIELD(F_LAYER, KIND_NAME, 64, name_sha256) /* repeated, base first */  \
	FIELD(F_PTYPE, KIND_NAME, 63, name_ptype)  /* opens a group */         \
	FIELD(F_QUANTITY, KIND_U64, 8, NULL)                                   \
	FIELD(F_SIZE, KIND_NAME, 32, name_size)                                \
	FIELD(F_COMMAND, KIND_TEXT, 32768, NULL)                               \
	FIELD(F_BUILDPACK, KIND_TEXT, 128, NULL)                               \
	/* instances */                                                        \
	FIELD(F_INSTANCE, KIND_U64, 8, NULL)                                   \
	FIELD(F_NAME, KIND_NAME, 128, name_layer) /* "web.1", "run.1234" */    \
	FIELD(F_NUM, KIND_U64, 8, NULL)           /* the 1 of web.1 */         \
	FIELD(F_PORT, KIND_U64, 8, NULL)                                       \
	FIELD(F_PID, KIND_U64, 8, NULL)                                        \
	FIELD(F_SIGNO, KIND_U64, 8, NULL)                                      \
	FIELD(F_EXIT_CODE, KIND_U64, 8, NULL)                                  \
	FIELD(F_EXIT_SIGNAL, KIND_U64, 8, NULL) /* 0: it exited by itself */   \
	FIELD(F_OOM, KIND_U64, 8, NULL)                                        \
	FIELD(F_ARG, KIND_TEXT, 32768, NULL) /* repeated */                    \
	FIELD(F_ENV, KIND_TEXT, 4096, NULL)  /* repeated, "KEY=value" */       \
	FIELD(F_MEMORY, KIND_U64, 8, NULL)   /* bytes */                       \
	FIELD(F_CPU, KIND_U64, 8, NULL)      /* weight 1..10000 */             \
	FIELD(F_PIDS, KIND_U64, 8, NULL)                                       \
	FIELD(F_DISK, KIND_U64, 8, NULL) /* bytes of the writable upper */     \
	FIELD(F_INODES, KIND_U64, 8, NULL)                                     \
	FIELD(F_PTY, KIND_U64, 8, NULL) /* 1: give it a terminal */            \
	FIELD(F_ROWS, KIND_U64, 8, NULL)                                       \
	FIELD(F_COLS, KIND_U64, 8, NULL)                                       \
	FIELD(F_JOB, KIND_U64, 8, NULL)                                        \
	FIELD(F_WORK, KIND_U64, 8, NULL) /* a job's work folder */             \
	FIELD(F_DIGEST, KIND_NAME, 64, name_sha256)                            \
	/* routes */                                                           \
	FIELD(F_HOST, KIND_NAME, 253, name_host)                               \
	FIELD(F_TARGET, KIND_U64, 8, NULL) /* enum route_target */             \
	FIELD(F_STATUS, KIND_U64, 8, NULL) /* of HTTP */                       \
	FIELD(F_SECRET, KIND_NAME, 128, name_secret)                           \
	/* pushes and builds */                                                \
	FIELD(F_PUSH, KIND_U64, 8, NULL)                                       \
	FIELD(F_BUILD, KIND_U64, 8, NULL)                                      \
	FIELD(F_REPO, KIND_U64, 8, NULL)                                       \
	FIELD(F_REF, KIND_NAME, 255, name_ref)                                 \
	FIELD(F_OLD, KIND_NAME, 40, name_sha1)                                 \
	FIELD(F_NEW, KIND_NAME, 40, name_sha1)                                 \
	FIELD(F_COMMIT, KIND_NAME, 40, name_sha1)                              \
	FIELD(F_PACK, KIND_NAME, 40, name_sha1)                                \
	FIELD(F_QUARANTINE, KIND_NAME, 64, name_layer)                         \
	FIELD(F_OPTION, KIND_TEXT, 1024, NULL)                                 \
	FIELD(F_CAPS, KIND_TEXT, 4096, NULL)                                   \
	FIELD(F_TOKEN, KIND_TEXT, 256, NULL)                                   \
	FIELD(F_USER, KIND_U64, 8, NULL)                                       \
	FIELD(F_EMAIL, KIND_NAME, 254, name_email)                             \
	FIELD(F_STAGE, KIND_NAME, 32, name_size)                               \
	FIELD(F_CACHED, KIND_U64, 8, NULL)                                     \
	/* logs */                                                             \
	FIELD(F_LINES, KIND_U64, 8, NULL)                                      \
	FIELD(F_TAIL, KIND_U64, 8, NULL)                                       \
	FIELD(F_SOURCE, KIND_NAME, 63, name_ptype) /* "app", "heroku" */       \
	FIELD(F_PROC, KIND_NAME, 128, name_layer)  /* "web.1", "router" */

#define FIELD_ENUM(tag, kind, max, grammar) tag,
enum field { F_NONE, FIELD_TABLE(FIELD_ENUM) F_N };

#define FIELDS_MAX 16 /* required ones of one message */

/*
 * MSG(type, from, to, fewest fds, most fds, required fields). from and to are
 * masks of roles. An optional field is allowed in any message.
 */
#define MSG_TABLE(MSG)                                                         \
	/* any: the first frame each way; then answers by id */                \
	MSG(MSG_HELLO, ANY, ANY, 0, 0, F_VERSION, F_ROLE)                      \
	MSG(MSG_OK, ANY, ANY, 0, 0, F_NONE)                                    \
	MSG(MSG_ERROR, ANY, ANY, 0, 0, F_CODE, F_TEXT)                         \
                                                                               \
	/* web -> router: hosts. BEGIN..END replaces all, alone is a change */ \
	MSG(MSG_ROUTES_BEGIN, WEB, ROUTER, 0, 0, F_NONE)                       \
	MSG(MSG_ROUTE, WEB, ROUTER, 0, 0, F_HOST, F_TARGET) /* F_APP if app */ \
	MSG(MSG_ROUTES_END, WEB, ROUTER, 0, 0, F_NONE)                         \
	MSG(MSG_ROUTE_DROP, WEB, ROUTER, 0, 0, F_HOST)                         \
	/* a rendezvous secret: who presents it is joined to the instance */   \
	MSG(MSG_ATTACH_ADD, WEB, ROUTER, 0, 0, F_SECRET, F_INSTANCE, F_MS)     \
                                                                               \
	/* plan -> router: instances. TARGET is answered with OK when every */ \
	/* loop has it; F_STATE is enum target_state */                        \
	MSG(MSG_TARGETS_BEGIN, PLAN, ROUTER, 0, 0, F_NONE)                     \
	MSG(MSG_TARGET, PLAN, ROUTER, 0, 0, F_INSTANCE, F_APP, F_PORT,         \
	    F_STATE, F_NAME)                                                   \
	MSG(MSG_TARGETS_END, PLAN, ROUTER, 0, 0, F_NONE)                       \
	MSG(MSG_TARGET_DROP, PLAN, ROUTER, 0, 0, F_INSTANCE)                   \
	/* what to do with requests while no target serves: enum app_front */  \
	MSG(MSG_TARGET_APP, PLAN, ROUTER, 0, 0, F_APP, F_STATE)                \
	/* $PORT accepts; F_STATUS is what `/` answered, 0 for no answer */    \
	MSG(MSG_TARGET_HEALTH, ROUTER, PLAN, 0, 0, F_INSTANCE, F_STATUS)       \
	/* a draining target's last request has ended */                       \
	MSG(MSG_TARGET_DRAINED, ROUTER, PLAN, 0, 0, F_INSTANCE)                \
                                                                               \
	/* the pair. HELLO voids what went before; READY answers its epoch */  \
	MSG(MSG_SOCKS_HELLO, ROUTER | JAIL, ROUTER | JAIL, 0, 0, F_EPOCH)      \
	MSG(MSG_SOCKS_READY, JAIL, ROUTER, 0, 0, F_EPOCH)                      \
	MSG(MSG_SOCKS_NEED, ROUTER, JAIL, 0, 0, F_INSTANCE, F_COUNT)           \
	MSG(MSG_SOCKS, JAIL, ROUTER, 1, 16, F_INSTANCE)                        \
	MSG(MSG_SOCKS_GONE, JAIL, ROUTER, 0, 0, F_INSTANCE)                    \
	/* fd: a client's connection, greeted; jail hands it to the shim */    \
	MSG(MSG_ATTACH, ROUTER, JAIL, 1, 1, F_INSTANCE)                        \
                                                                               \
	/* web -> plan: what should run. fd: sealed environment, KEY=v\0... */ \
	/* groups of F_PTYPE F_QUANTITY F_SIZE; BEGIN..END replaces all */     \
	MSG(MSG_WANT_BEGIN, WEB, PLAN, 0, 0, F_NONE)                           \
	MSG(MSG_WANT, WEB, PLAN, 1, 1, F_APP, F_APP_NAME, F_SLOT, F_RELEASE,   \
	    F_GENERATION, F_IMAGE, F_LAYER)                                    \
	MSG(MSG_WANT_END, WEB, PLAN, 0, 0, F_NONE)                             \
	MSG(MSG_WANT_DROP, WEB, PLAN, 0, 0, F_APP, F_SLOT)                     \
	/* the app is destroyed: stop all, then tell jail APP_DROP */          \
	MSG(MSG_WANT_GONE, WEB, PLAN, 0, 0, F_APP)                             \
	/* one-off; F_PTY F_ROWS F_COLS F_ENV; OK carries F_INSTANCE. */       \
	/* F_KIND KIND_RUN or KIND_RELEASE, F_STATE 1 when it is attached */   \
	MSG(MSG_RUN, WEB, PLAN, 1, 1, F_JOB, F_APP, F_APP_NAME, F_RELEASE,     \
	    F_KIND, F_NAME, F_COMMAND, F_IMAGE, F_LAYER, F_STATE)              \
	MSG(MSG_RUN_EXITED, PLAN, WEB, 0, 0, F_JOB, F_EXIT_CODE,               \
	    F_EXIT_SIGNAL, F_OOM)                                              \
	/* stop one instance; one that is wanted comes back */                 \
	MSG(MSG_INSTANCE_STOP, WEB, PLAN, 0, 0, F_APP, F_NAME)                 \
	MSG(MSG_RELEASE_LIVE, PLAN, WEB, 0, 0, F_APP, F_RELEASE, F_MS)         \
	/* F_TEXT the reason; F_NAME and F_INSTANCE: whose last lines tell */  \
	/* more */                                                             \
	MSG(MSG_RELEASE_FAILED, PLAN, WEB, 0, 0, F_APP, F_RELEASE, F_TEXT)     \
	/* what runs, for `ps`: snapshot, then changes; enum dyno_state */     \
	MSG(MSG_DYNOS_BEGIN, PLAN, WEB, 0, 0, F_NONE)                          \
	MSG(MSG_DYNO, PLAN, WEB, 0, 0, F_INSTANCE, F_APP, F_KIND, F_RELEASE,   \
	    F_NAME, F_PTYPE, F_STATE, F_TIME)                                  \
	MSG(MSG_DYNOS_END, PLAN, WEB, 0, 0, F_NONE)                            \
	MSG(MSG_DYNO_GONE, PLAN, WEB, 0, 0, F_INSTANCE, F_APP)                 \
                                                                               \
	/* builder -> plan: an instance that is a step of a build. fds: its */ \
	/* stdin, its output, its environment (fd 3), its report (fd 4). */    \
	/* F_KIND KIND_BUILD, _EXPORT or _IMPORT; OK when it has started */    \
	MSG(MSG_JOB, BUILDER, PLAN, 4, 4, F_JOB, F_APP, F_KIND, F_WORK, F_ARG, \
	    F_MEMORY, F_PIDS, F_CPU, F_DISK, F_INODES, F_MS)                   \
	MSG(MSG_JOB_EXITED, PLAN, BUILDER, 0, 0, F_JOB, F_EXIT_CODE,           \
	    F_EXIT_SIGNAL, F_OOM)                                              \
	MSG(MSG_JOB_CANCEL, BUILDER, PLAN, 0, 0, F_JOB)                        \
	/* the store; plan passes these on to jail and the answer back. */     \
	/* PUT moves work/WORK/out/NAME to layers/DIGEST (F_OP 0) or */        \
	/* blobs/sha256/DIGEST (F_OP 1); one that is there already is fine */  \
	MSG(MSG_STORE_PUT, BUILDER | PLAN, PLAN | JAIL, 0, 0, F_WORK, F_NAME,  \
	    F_DIGEST, F_OP)                                                    \
	MSG(MSG_STORE_HAS, BUILDER | PLAN, PLAN | JAIL, 0, 0, F_DIGEST, F_OP)  \
	MSG(MSG_WORK_DROP, BUILDER | PLAN, PLAN | JAIL, 0, 0, F_WORK)          \
                                                                               \
	/* plan -> jail. fds: environment; or for jobs stdin, output, */       \
	/* environment, report. F_LAYER* base first; F_WORK for jobs; */       \
	/* F_STATE 1: its terminal or stdin and output wait for MSG_ATTACH */  \
	MSG(MSG_INSTANCE_START, PLAN, JAIL, 1, 4, F_INSTANCE, F_APP, F_KIND,   \
	    F_RELEASE, F_GENERATION, F_PTYPE, F_NUM, F_NAME, F_PORT, F_ARG,    \
	    F_MEMORY, F_CPU, F_PIDS, F_DISK, F_INODES)                         \
	MSG(MSG_INSTANCE_SIGNAL, PLAN, JAIL, 0, 0, F_INSTANCE, F_SIGNO)        \
	MSG(MSG_INSTANCE_KILL, PLAN, JAIL, 0, 0, F_INSTANCE)                   \
	/* forget an exited instance and its record */                         \
	MSG(MSG_INSTANCE_REMOVE, PLAN, JAIL, 0, 0, F_INSTANCE)                 \
	/* remove what the app has on disk: cache, logs, id range */           \
	MSG(MSG_APP_DROP, PLAN, JAIL, 0, 0, F_APP)                             \
	/* what runs: snapshot, then changes; F_STATE enum instance_state */   \
	MSG(MSG_STATES_BEGIN, JAIL, PLAN, 0, 0, F_NONE)                        \
	MSG(MSG_INSTANCE_STATE, JAIL, PLAN, 0, 0, F_INSTANCE, F_APP, F_KIND,   \
	    F_RELEASE, F_GENERATION, F_PTYPE, F_NUM, F_NAME, F_PORT, F_STATE,  \
	    F_EXIT_CODE, F_EXIT_SIGNAL, F_OOM, F_TIME)                         \
	MSG(MSG_STATES_END, JAIL, PLAN, 0, 0, F_NONE)                          \
                                                                               \
	/* jail -> shim, on the instance's ctl socket */                       \
	MSG(MSG_SHIM_SIGNAL, JAIL, SHIM, 0, 0, F_SIGNO)                        \
	MSG(MSG_SHIM_ATTACH, JAIL, SHIM, 1, 1, F_NONE)                         \
                                                                               \
	/* logs. FOLLOW's fd is a pipe that logd writes lines into and */      \
	/* closes at the end unless F_TAIL: "TIME SOURCE[PROC]: TEXT\n". */    \
	/* F_SOURCE, F_PROC, F_INSTANCE hold back the lines of others */       \
	MSG(MSG_LOG_WRITE, ROUTER | WEB | PLAN, LOGD, 0, 0, F_APP, F_SOURCE,   \
	    F_PROC, F_TEXT)                                                    \
	MSG(MSG_LOG_FOLLOW, WEB, LOGD, 1, 1, F_APP, F_LINES, F_TAIL)           \
	MSG(MSG_LOG_DROP, WEB, LOGD, 0, 0, F_APP)                              \
                                                                               \
	/* gitd -> web. AUTH is asked before a byte of a pack is read; */      \
	/* F_OP enum push_op */                                                \
	MSG(MSG_PUSH_AUTH, GITD, WEB, 0, 0, F_APP_NAME, F_TOKEN, F_OP)         \
	MSG(MSG_PUSH_GRANT, WEB, GITD, 0, 0, F_APP, F_REPO, F_USER)            \
	/* the durable row of a push to the deploy branch; answered OPENED */  \
	MSG(MSG_PUSH_OPEN, GITD, WEB, 0, 0, F_APP, F_USER, F_REF, F_OLD,       \
	    F_NEW)                                                             \
	/* fd: the build's log, to read as it grows */                         \
	MSG(MSG_PUSH_OPENED, WEB, GITD, 1, 1, F_PUSH, F_BUILD)                 \
	/* after a restart of either side: OPENED again, then DECIDED */       \
	MSG(MSG_PUSH_WATCH, GITD, WEB, 0, 0, F_PUSH)                           \
	MSG(MSG_PUSH_TICK, WEB, GITD, 0, 0, F_PUSH, F_OFFSET)                  \
	/* F_STATE enum push_state; F_TEXT why it was refused */               \
	MSG(MSG_PUSH_DECIDED, WEB, GITD, 0, 0, F_PUSH, F_STATE, F_TEXT)        \
	/* the ref has been moved (or never will be) */                        \
	MSG(MSG_PUSH_SETTLED, GITD, WEB, 0, 0, F_PUSH)                         \
	/* the rows not settled, each a ROW with the question's id, then OK */ \
	MSG(MSG_PUSH_LIST, GITD, WEB, 0, 0, F_NONE)                            \
	MSG(MSG_PUSH_ROW, WEB, GITD, 0, 0, F_PUSH, F_APP, F_REPO, F_REF,       \
	    F_OLD, F_NEW, F_STATE)                                             \
	MSG(MSG_REPO_DROP, WEB, GITD, 0, 0, F_REPO)                            \
                                                                               \
	/* web -> builder. fds: the log (append), the sealed environment. */   \
	/* F_IMAGE and F_LAYER* are the app's previous image, if any. Sent */  \
	/* again after a reconnect; a build already running goes on */         \
	MSG(MSG_BUILD_START, WEB, BUILDER, 2, 2, F_BUILD, F_APP, F_APP_NAME,   \
	    F_REPO, F_COMMIT)                                                  \
	MSG(MSG_BUILD_CANCEL, WEB, BUILDER, 0, 0, F_BUILD)                     \
	MSG(MSG_BUILD_TICK, BUILDER, WEB, 0, 0, F_BUILD, F_OFFSET)             \
	MSG(MSG_BUILD_STAGE, BUILDER, WEB, 0, 0, F_BUILD, F_STAGE, F_MS,       \
	    F_CACHED)                                                          \
	/* groups of F_PTYPE F_COMMAND; F_BUILDPACK*; answered with OK */      \
	MSG(MSG_BUILD_DONE, BUILDER, WEB, 0, 0, F_BUILD, F_IMAGE, F_LAYER)     \
	MSG(MSG_BUILD_FAILED, BUILDER, WEB, 0, 0, F_BUILD, F_TEXT)             \
                                                                               \
	/* workers: one connection, one job. F_OP enum receive_op. fds: the */ \
	/* body of the request after HTTP, from the first pkt-line on; for */  \
	/* a fetch also where the answer goes. A push brings F_QUARANTINE, */  \
	/* F_BYTES and F_FILES (most bytes and objects of its pack) and */     \
	/* F_COUNT (most refs), a fetch F_CAPS (the Git-Protocol header) */    \
	MSG(MSG_RECEIVE, GITD, RECEIVE, 1, 2, F_REPO, F_OP)                    \
	/* F_ARG: the ref's name as it was sent, gitd judges it */             \
	MSG(MSG_RECEIVE_REF, RECEIVE, GITD, 0, 0, F_ARG, F_OLD, F_NEW)         \
	MSG(MSG_RECEIVE_OPTION, RECEIVE, GITD, 0, 0, F_OPTION)                 \
	/* all commands are read; F_CAPS as the client sent them */            \
	MSG(MSG_RECEIVE_CMDS, RECEIVE, GITD, 0, 0, F_CAPS)                     \
	/* the F_NUM-th ref, from 0, can't be moved: its new id is missing */  \
	MSG(MSG_RECEIVE_BAD_REF, RECEIVE, GITD, 0, 0, F_NUM, F_TEXT)           \
	/* the pack is checked and lies in the quarantine; without F_PACK */   \
	/* there was none. Ends a fetch too */                                 \
	MSG(MSG_RECEIVE_DONE, RECEIVE, GITD, 0, 0, F_BYTES)                    \
	/* fd: where the tree goes, in the form of wire/source.h */            \
	MSG(MSG_EXPORT, BUILDER, RECEIVE, 1, 1, F_REPO, F_COMMIT, F_BYTES,     \
	    F_FILES)                                                           \
	MSG(MSG_EXPORT_DONE, RECEIVE, BUILDER, 0, 0, F_BYTES, F_FILES)

#define MSG_ENUM(type, ...) type,
enum msg { MSG_NONE, MSG_TABLE(MSG_ENUM) MSG_N };

/* What the numbers in fields mean. */
enum want_slot { WANT_LIVE, WANT_NEXT };
enum instance_kind {
	KIND_APP,     /* kept running by the formation */
	KIND_RUN,     /* one-off */
	KIND_RELEASE, /* release phase */
	KIND_BUILD,   /* runs buildpacks: layers below, a work upper above */
	KIND_EXPORT,  /* runs our exporter alone over the same root */
	KIND_IMPORT,  /* runs our importer alone in an empty root */
	KIND_N
};
enum instance_state { INSTANCE_STARTING, INSTANCE_RUNNING, INSTANCE_EXITED };
enum target_state { TARGET_CHECK, TARGET_SERVE, TARGET_DRAIN };
enum app_front { FRONT_NONE, FRONT_HOLD, FRONT_CRASHED };
enum route_target {
	ROUTE_PLATFORM, /* /NAME.git/ to gitd, /attach/ to jail, else web */
	ROUTE_GITD,
	ROUTE_APP
};
enum dyno_state { DYNO_STARTING, DYNO_UP, DYNO_STOPPING, DYNO_CRASHED };
enum push_op { PUSH_FETCH, PUSH_PUSH };
enum receive_op { RECEIVE_PUSH, RECEIVE_FETCH, RECEIVE_REFS /* of a fetch */ };
enum push_state { PUSH_BUILDING, PUSH_ACCEPTED, PUSH_REFUSED };

const char *msg_name(uint16_t type); /* "WANT_BEGIN"; "?" for an unknown one */

/* Does f keep its row's rules, sent by from to to? */
int msg_check(
    const struct frame *f, enum role from, enum role to, struct error *err);
