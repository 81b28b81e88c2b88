/*
 * msg - every frame that daemons exchange: who may send it to whom, with
 * which fields and descriptors. The one place where the wire is described.
 *
 * msg_check runs on every frame received, before any handler: the sender's
 * role, each field's form (number, text, grammar, length), that required
 * fields are there and how many descriptors came. So a handler may read what
 * its row requires without asking again.
 *
 * A number is never given to anything else, not even when its row is gone:
 * daemons of two versions talk while one is replaced by the other. Gone:
 * fields 33 and 68.
 *
 * Who connects to whom (NAME.sock in the run folder):
 *   gitd, builder -> web.sock      web, builder -> plan.sock
 *   plan          -> jail.sock, names.sock
 *   web, plan, logd -> router.sock
 *   web, plan, names -> logd.sock  gitd -> receive.sock, builder -> export.sock
 *   logd          -> outbound.sock
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
 * FIELD(tag, number, kind, longest in bytes, grammar of base/name.h or NULL).
 * TEXT is UTF-8 or not, without NUL. NAME passes its grammar.
 */
#define FIELD_TABLE(FIELD)                                                     \
	FIELD(F_VERSION, 1, KIND_U64, 8, NULL)                                 \
	FIELD(F_ROLE, 2, KIND_U64, 8, NULL)                                    \
	FIELD(F_CODE, 3, KIND_U64, 8, NULL) /* enum errc */                    \
	FIELD(F_SYS, 4, KIND_U64, 8, NULL)  /* errno */                        \
	FIELD(F_TEXT, 5, KIND_TEXT, 32768, NULL)                               \
	FIELD(F_SEQ, 6, KIND_U64, 8, NULL)                                     \
	FIELD(F_EPOCH, 7, KIND_U64, 8, NULL)                                   \
	FIELD(F_COUNT, 8, KIND_U64, 8, NULL)                                   \
	FIELD(F_BYTES, 9, KIND_U64, 8, NULL)                                   \
	FIELD(F_FILES, 10, KIND_U64, 8, NULL)                                  \
	FIELD(F_MS, 11, KIND_U64, 8, NULL)    /* a duration */                 \
	FIELD(F_TIME, 12, KIND_U64, 8, NULL)  /* real time in ms */            \
	FIELD(F_STATE, 13, KIND_U64, 8, NULL) /* see each message */           \
	FIELD(F_KIND, 14, KIND_U64, 8, NULL)  /* enum instance_kind */         \
	FIELD(F_OP, 15, KIND_U64, 8, NULL)                                     \
	FIELD(F_OFFSET, 16, KIND_U64, 8, NULL)                                 \
	/* apps, releases */                                                   \
	FIELD(F_APP, 17, KIND_U64, 8, NULL) /* the row id of the app */        \
	FIELD(F_APP_NAME, 18, KIND_NAME, 30, name_app)                         \
	FIELD(F_RELEASE, 19, KIND_U64, 8, NULL)    /* the N of vN */           \
	FIELD(F_SLOT, 20, KIND_U64, 8, NULL)       /* enum want_slot */        \
	FIELD(F_GENERATION, 21, KIND_U64, 8, NULL) /* a restart raises it */   \
	FIELD(F_IMAGE, 22, KIND_NAME, 64, name_sha256)                         \
	FIELD(F_LAYER, 23, KIND_NAME, 64,                                      \
	    name_sha256) /* repeated, base first */                            \
	FIELD(F_PTYPE, 24, KIND_NAME, 63, name_ptype) /* opens a group */      \
	FIELD(F_QUANTITY, 25, KIND_U64, 8, NULL)                               \
	FIELD(F_SIZE, 26, KIND_NAME, 32, name_size)                            \
	FIELD(F_COMMAND, 27, KIND_TEXT, 32768, NULL)                           \
	FIELD(F_BUILDPACK, 28, KIND_TEXT, 128, NULL)                           \
	/* instances */                                                        \
	FIELD(F_INSTANCE, 29, KIND_U64, 8, NULL)                               \
	FIELD(F_NAME, 30, KIND_NAME, 128, name_layer) /* a "web.1" */          \
	FIELD(F_NUM, 31, KIND_U64, 8, NULL)           /* the 1 of web.1 */     \
	FIELD(F_PORT, 32, KIND_U64, 8, NULL)                                   \
	FIELD(F_SIGNO, 34, KIND_U64, 8, NULL)                                  \
	FIELD(F_EXIT_CODE, 35, KIND_U64, 8, NULL)                              \
	FIELD(F_EXIT_SIGNAL, 36, KIND_U64, 8, NULL) /* 0: by itself */         \
	FIELD(F_OOM, 37, KIND_U64, 8, NULL)                                    \
	FIELD(F_ARG, 38, KIND_TEXT, 32768, NULL) /* repeated */                \
	FIELD(F_ENV, 39, KIND_TEXT, 4096, NULL)  /* repeated, "KEY=value" */   \
	FIELD(F_MEMORY, 40, KIND_U64, 8, NULL)   /* bytes */                   \
	FIELD(F_CPU, 41, KIND_U64, 8, NULL)      /* weight 1..10000 */         \
	FIELD(F_PIDS, 42, KIND_U64, 8, NULL)                                   \
	FIELD(F_DISK, 43, KIND_U64, 8, NULL) /* bytes of the writable upper */ \
	FIELD(F_INODES, 44, KIND_U64, 8, NULL)                                 \
	/* 1: it never ran, jail was away half-way through its start */        \
	FIELD(F_UNBORN, 90, KIND_U64, 8, NULL)                                 \
	FIELD(F_PTY, 45, KIND_U64, 8, NULL) /* 1: give it a terminal */        \
	FIELD(F_ROWS, 46, KIND_U64, 8, NULL)                                   \
	FIELD(F_COLS, 47, KIND_U64, 8, NULL)                                   \
	FIELD(F_JOB, 48, KIND_U64, 8, NULL)                                    \
	FIELD(F_WORK, 49, KIND_U64, 8, NULL) /* a job's work folder */         \
	FIELD(F_DIGEST, 50, KIND_NAME, 64, name_sha256)                        \
	/* routes */                                                           \
	FIELD(F_HOST, 51, KIND_NAME, 253, name_host)                           \
	FIELD(F_TARGET, 52, KIND_U64, 8, NULL) /* enum route_target */         \
	FIELD(F_STATUS, 53, KIND_U64, 8, NULL) /* of HTTP */                   \
	FIELD(F_SECRET, 54, KIND_NAME, 128, name_secret)                       \
	/* pushes and builds */                                                \
	FIELD(F_PUSH, 55, KIND_U64, 8, NULL)                                   \
	FIELD(F_BUILD, 56, KIND_U64, 8, NULL)                                  \
	FIELD(F_REPO, 57, KIND_U64, 8, NULL)                                   \
	FIELD(F_REF, 58, KIND_NAME, 255, name_ref)                             \
	FIELD(F_OLD, 59, KIND_NAME, 40, name_sha1)                             \
	FIELD(F_NEW, 60, KIND_NAME, 40, name_sha1)                             \
	FIELD(F_COMMIT, 61, KIND_NAME, 40, name_sha1)                          \
	FIELD(F_PACK, 62, KIND_NAME, 40, name_sha1)                            \
	FIELD(F_QUARANTINE, 63, KIND_NAME, 64, name_layer)                     \
	FIELD(F_OPTION, 64, KIND_TEXT, 1024, NULL)                             \
	FIELD(F_CAPS, 65, KIND_TEXT, 4096, NULL)                               \
	FIELD(F_TOKEN, 66, KIND_TEXT, 256, NULL)                               \
	FIELD(F_USER, 67, KIND_U64, 8, NULL)                                   \
	FIELD(F_STAGE, 69, KIND_NAME, 32, name_size)                           \
	FIELD(F_CACHED, 70, KIND_U64, 8, NULL)                                 \
	/* logs */                                                             \
	FIELD(F_LINES, 71, KIND_U64, 8, NULL)                                  \
	FIELD(F_TAIL, 72, KIND_U64, 8, NULL)                                   \
	FIELD(F_SOURCE, 73, KIND_NAME, 63, name_ptype) /* "app", "heroku" */   \
	FIELD(F_PROC, 74, KIND_NAME, 128, name_layer)  /* "web.1", "router" */ \
	/* one-offs, cron */                                                   \
	FIELD(F_OF, 150, KIND_U64, 8, NULL) /* the instance it runs inside */  \
	FIELD(F_SHOWN, 151, KIND_TEXT, 256, NULL) /* a command, for people */  \
	FIELD(F_CRON, 152, KIND_U64, 8, NULL) /* its number; opens a group */  \
	FIELD(F_SCHEDULE, 153, KIND_TEXT, 128, NULL)                           \
	FIELD(F_LAST, 154, KIND_U64, 8, NULL) /* minutes since 1970 */         \
	/* what the host can't do */                                           \
	FIELD(                                                                 \
	    F_LEVEL, 95, KIND_U64, 8, NULL) /* enum finding_level; a group */  \
	FIELD(F_TODO, 96, KIND_TEXT, 1024, NULL)                               \
	/* deploys: what of app.json is used, as JSON */                       \
	FIELD(F_APP_JSON, 170, KIND_TEXT, 16384, NULL)                         \
	FIELD(F_CHECK, 171, KIND_TEXT, 2048, NULL) /* of wire/check.h */       \
	FIELD(F_RETRY, 172, KIND_U64, 8, NULL)     /* real ms: the next try */ \
	/* sizes */                                                            \
	FIELD(                                                                 \
	    F_CPU_MAX, 130, KIND_U64, 8, NULL)  /* percent of a CPU; 0 none */ \
	FIELD(F_IO, 131, KIND_U64, 8, NULL)     /* weight 1..10000 */          \
	FIELD(F_IO_MAX, 132, KIND_U64, 8, NULL) /* bytes a second; 0 none */   \
	FIELD(F_OWN_DISK, 133, KIND_U64, 8, NULL) /* 1: F_DISK is no memory */ \
	/* drains; F_AFTER: "STREAM.SEQ" by commas, what a reader had last */  \
	FIELD(F_DRAIN, 190, KIND_U64, 8, NULL)         /* its row id */        \
	FIELD(F_DRAIN_URL, 191, KIND_TEXT, 2048, NULL) /* a secret */          \
	FIELD(F_DRAIN_TOKEN, 192, KIND_NAME, 64, name_layer)                   \
	FIELD(F_BATCH, 193, KIND_NAME, 32, name_secret) /* one for repeats */  \
	FIELD(F_AFTER, 194, KIND_TEXT, 8000, NULL)                             \
	FIELD(F_MARKS, 195, KIND_U64, 8, NULL) /* 1: lines begin with ids */   \
	/* volumes: groups in WANT, RUN and INSTANCE_START */                  \
	FIELD(F_VOLUME, 134, KIND_U64, 8, NULL) /* its row; opens a group */   \
	FIELD(F_VOLUME_BYTES, 135, KIND_U64, 8, NULL)                          \
	FIELD(F_VOLUME_PATH, 136, KIND_NAME, NAME_MOUNT_MAX, name_mount)       \
	/* 1: two of the app never run at a time */                            \
	FIELD(F_EXCLUSIVE, 137, KIND_U64, 8, NULL)                             \
	/* apps that rest while nobody asks for them */                        \
	FIELD(F_FREEZE_MS, 210, KIND_U64, 8, NULL) /* quiet for so long */     \
	FIELD(F_STOP_MS, 211, KIND_U64, 8, NULL) /* and stopped after that */  \
	FIELD(F_FROZEN, 212, KIND_U64, 8, NULL)  /* 1: by the freezer */       \
	/* memory for a release */                                             \
	FIELD(F_FREE, 180, KIND_U64, 8, NULL) /* bytes */                      \
	FIELD(F_USED, 181, KIND_U64, 8, NULL) /* bytes of an instance */       \
	/* network */                                                          \
	FIELD(F_ADDRESS, 110, KIND_TEXT, 45, NULL) /* as wire/ip.h prints */   \
	FIELD(F_EGRESS, 111, KIND_TEXT, 261, NULL) /* as wire/egress.h does */ \
	FIELD(F_LINK, 112, KIND_U64, 8, NULL) /* an app's id; opens a group */

#define FIELD_ENUM(tag, number, kind, max, grammar) tag = number,
enum field { F_NONE, FIELD_TABLE(FIELD_ENUM) F_N = 256 };

#define FIELDS_MAX 16 /* required ones of one message */

/*
 * MSG(type, number, from, to, fewest fds, most fds, required fields). from and
 * to are masks of roles. An optional field is allowed in any message.
 */
#define MSG_TABLE(MSG)                                                         \
	/* any: the first frame each way; then answers by id */                \
	MSG(MSG_HELLO, 1, ANY, ANY, 0, 0, F_VERSION, F_ROLE)                   \
	MSG(MSG_OK, 2, ANY, ANY, 0, 0, F_NONE)                                 \
	MSG(MSG_ERROR, 3, ANY, ANY, 0, 0, F_CODE, F_TEXT)                      \
                                                                               \
	/* web -> router: hosts. BEGIN..END replaces all, alone is a change */ \
	MSG(MSG_ROUTES_BEGIN, 4, WEB, ROUTER, 0, 0, F_NONE)                    \
	MSG(MSG_ROUTE, 5, WEB, ROUTER, 0, 0, F_HOST,                           \
	    F_TARGET) /* F_APP if app */                                       \
	MSG(MSG_ROUTES_END, 6, WEB, ROUTER, 0, 0, F_NONE)                      \
	MSG(MSG_ROUTE_DROP, 7, WEB, ROUTER, 0, 0, F_HOST)                      \
	/* a rendezvous secret: who presents it is joined to the instance */   \
	MSG(MSG_ATTACH_ADD, 8, WEB, ROUTER, 0, 0, F_SECRET, F_INSTANCE, F_MS)  \
                                                                               \
	/* plan -> router: instances. TARGET is answered with OK when every */ \
	/* loop has it; F_STATE is enum target_state; F_CHECK* if declared */  \
	MSG(MSG_TARGETS_BEGIN, 9, PLAN, ROUTER, 0, 0, F_NONE)                  \
	MSG(MSG_TARGET, 10, PLAN, ROUTER, 0, 0, F_INSTANCE, F_APP, F_PORT,     \
	    F_STATE, F_NAME)                                                   \
	MSG(MSG_TARGETS_END, 11, PLAN, ROUTER, 0, 0, F_NONE)                   \
	MSG(MSG_TARGET_DROP, 12, PLAN, ROUTER, 0, 0, F_INSTANCE)               \
	/* what to do with requests while no target serves: enum app_front */  \
	MSG(MSG_TARGET_APP, 13, PLAN, ROUTER, 0, 0, F_APP, F_STATE)            \
	/* $PORT accepts; F_STATUS is what `/` answered, 0 for no answer */    \
	MSG(MSG_TARGET_HEALTH, 14, ROUTER, PLAN, 0, 0, F_INSTANCE, F_STATUS)   \
	/* a declared check has failed, at start or later; plan says why */    \
	MSG(MSG_TARGET_FAILED, 170, ROUTER, PLAN, 0, 0, F_INSTANCE, F_TEXT)    \
	/* a draining target's last request has ended */                       \
	MSG(MSG_TARGET_DRAINED, 15, ROUTER, PLAN, 0, 0, F_INSTANCE)            \
                                                                               \
	/* the pair. HELLO voids what went before; READY answers its epoch */  \
	MSG(MSG_SOCKS_HELLO, 16, ROUTER | JAIL, ROUTER | JAIL, 0, 0, F_EPOCH)  \
	MSG(MSG_SOCKS_READY, 17, JAIL, ROUTER, 0, 0, F_EPOCH)                  \
	MSG(MSG_SOCKS_NEED, 18, ROUTER, JAIL, 0, 0, F_INSTANCE, F_COUNT)       \
	MSG(MSG_SOCKS, 19, JAIL, ROUTER, 1, 16, F_INSTANCE)                    \
	MSG(MSG_SOCKS_GONE, 20, JAIL, ROUTER, 0, 0, F_INSTANCE)                \
	/* fd: a client's connection, greeted; jail hands it to the shim */    \
	MSG(MSG_ATTACH, 21, ROUTER, JAIL, 1, 1, F_INSTANCE)                    \
                                                                               \
	/* web -> plan: what should run. fd: sealed environment, KEY=v\0... */ \
	/* groups of F_PTYPE F_QUANTITY F_SIZE, F_CHECK*; BEGIN..END */        \
	/* replaces all */                                                     \
	MSG(MSG_WANT_BEGIN, 22, WEB, PLAN, 0, 0, F_NONE)                       \
	MSG(MSG_WANT, 23, WEB, PLAN, 1, 1, F_APP, F_APP_NAME, F_SLOT,          \
	    F_RELEASE, F_GENERATION, F_IMAGE, F_LAYER)                         \
	MSG(MSG_WANT_END, 24, WEB, PLAN, 0, 0, F_NONE)                         \
	MSG(MSG_WANT_DROP, 25, WEB, PLAN, 0, 0, F_APP, F_SLOT)                 \
	/* the app is destroyed: stop all, then tell jail APP_DROP */          \
	MSG(MSG_WANT_GONE, 26, WEB, PLAN, 0, 0, F_APP)                         \
	/* one-off; F_PTY F_ROWS F_COLS F_ENV F_SHOWN F_MS (most it may */     \
	/* take); OK carries F_INSTANCE. F_KIND KIND_RUN, KIND_RELEASE or */   \
	/* KIND_EXEC (with F_OF), F_STATE 1 when it is attached; F_SIZE, */    \
	/* else the default one */                                             \
	MSG(MSG_RUN, 27, WEB, PLAN, 1, 1, F_JOB, F_APP, F_APP_NAME, F_RELEASE, \
	    F_KIND, F_NAME, F_COMMAND, F_IMAGE, F_LAYER, F_STATE)              \
	/* the terminal of a one-off has this size now */                      \
	MSG(MSG_RESIZE, 150, WEB | PLAN, PLAN | JAIL, 0, 0, F_INSTANCE,        \
	    F_ROWS, F_COLS)                                                    \
	MSG(MSG_RUN_EXITED, 28, PLAN, WEB, 0, 0, F_JOB, F_EXIT_CODE,           \
	    F_EXIT_SIGNAL, F_OOM)                                              \
	/* what is due when: groups of F_CRON F_SCHEDULE F_COMMAND F_LAST */   \
	/* (the minute up to which it is done); replaces all of the app's */   \
	MSG(MSG_CRONS, 152, WEB, PLAN, 0, 0, F_APP)                            \
	/* F_STATE enum cron_act; of a start F_NAME */                         \
	MSG(MSG_CRON_DUE, 153, PLAN, WEB, 0, 0, F_APP, F_CRON, F_LAST,         \
	    F_STATE)                                                           \
	/* stop one instance; one that is wanted comes back */                 \
	MSG(MSG_INSTANCE_STOP, 29, WEB, PLAN, 0, 0, F_APP, F_NAME)             \
	MSG(MSG_RELEASE_LIVE, 30, PLAN, WEB, 0, 0, F_APP, F_RELEASE, F_MS)     \
	/* F_TEXT the reason; F_NAME and F_INSTANCE: whose last lines tell */  \
	/* more */                                                             \
	MSG(MSG_RELEASE_FAILED, 31, PLAN, WEB, 0, 0, F_APP, F_RELEASE, F_TEXT) \
	/* what runs, for `ps`: snapshot, then changes; enum dyno_state; */    \
	/* F_SIZE of what has one */                                           \
	MSG(MSG_DYNOS_BEGIN, 32, PLAN, WEB, 0, 0, F_NONE)                      \
	MSG(MSG_DYNO, 33, PLAN, WEB, 0, 0, F_INSTANCE, F_APP, F_KIND,          \
	    F_RELEASE, F_NAME, F_PTYPE, F_STATE, F_TIME)                       \
	MSG(MSG_DYNOS_END, 34, PLAN, WEB, 0, 0, F_NONE)                        \
	MSG(MSG_DYNO_GONE, 35, PLAN, WEB, 0, 0, F_INSTANCE, F_APP)             \
                                                                               \
	/* builder -> plan: an instance that is a step of a build. fds: its */ \
	/* stdin, its output, its environment (fd 3), its report (fd 4). */    \
	/* F_KIND KIND_BUILD, _EXPORT or _IMPORT; OK when it has started */    \
	MSG(MSG_JOB, 36, BUILDER, PLAN, 4, 4, F_JOB, F_APP, F_KIND, F_WORK,    \
	    F_ARG, F_MEMORY, F_PIDS, F_CPU, F_DISK, F_INODES, F_MS)            \
	MSG(MSG_JOB_EXITED, 37, PLAN, BUILDER, 0, 0, F_JOB, F_EXIT_CODE,       \
	    F_EXIT_SIGNAL, F_OOM)                                              \
	MSG(MSG_JOB_CANCEL, 38, BUILDER, PLAN, 0, 0, F_JOB)                    \
	/* the store; plan passes these on to jail and the answer back. */     \
	/* PUT moves work/WORK/out/NAME to layers/DIGEST (F_OP 0) or */        \
	/* blobs/sha256/DIGEST (F_OP 1); one that is there already is fine */  \
	MSG(MSG_STORE_PUT, 39, BUILDER | PLAN, PLAN | JAIL, 0, 0, F_WORK,      \
	    F_NAME, F_DIGEST, F_OP)                                            \
	MSG(MSG_STORE_HAS, 40, BUILDER | PLAN, PLAN | JAIL, 0, 0, F_DIGEST,    \
	    F_OP)                                                              \
	MSG(MSG_WORK_DROP, 41, BUILDER | PLAN, PLAN | JAIL, 0, 0, F_WORK)      \
                                                                               \
	/* volumes; web asks plan, which passes it on. PUT makes one or */     \
	/* makes it larger; OK has F_BYTES and F_FILES that are used */        \
	MSG(MSG_VOLUME_PUT, 130, WEB | PLAN, PLAN | JAIL, 0, 0, F_APP,         \
	    F_VOLUME, F_VOLUME_BYTES)                                          \
	MSG(MSG_VOLUME_DROP, 131, WEB | PLAN, PLAN | JAIL, 0, 0, F_APP,        \
	    F_VOLUME)                                                          \
                                                                               \
	/* plan -> jail. fds: environment; or for jobs stdin, output, */       \
	/* environment, report. F_LAYER* base first; F_WORK for jobs; */       \
	/* F_STATE 1: its terminal or stdin and output wait for MSG_ATTACH; */ \
	/* F_CPU_MAX F_IO F_IO_MAX F_OWN_DISK are limits, too; F_SIZE is a */  \
	/* label that comes back with its states */                            \
	MSG(MSG_INSTANCE_START, 42, PLAN, JAIL, 1, 4, F_INSTANCE, F_APP,       \
	    F_KIND, F_RELEASE, F_GENERATION, F_PTYPE, F_NUM, F_NAME, F_PORT,   \
	    F_ARG, F_MEMORY, F_CPU, F_PIDS, F_DISK, F_INODES)                  \
	MSG(MSG_INSTANCE_SIGNAL, 43, PLAN, JAIL, 0, 0, F_INSTANCE, F_SIGNO)    \
	MSG(MSG_INSTANCE_KILL, 44, PLAN, JAIL, 0, 0, F_INSTANCE)               \
	/* forget an exited instance and its record */                         \
	MSG(MSG_INSTANCE_REMOVE, 45, PLAN, JAIL, 0, 0, F_INSTANCE)             \
	/* remove what the app has on disk: cache, logs, id range */           \
	MSG(MSG_APP_DROP, 46, PLAN, JAIL, 0, 0, F_APP)                         \
	/* what runs: snapshot, then changes; F_STATE enum instance_state */   \
	MSG(MSG_STATES_BEGIN, 47, JAIL, PLAN, 0, 0, F_NONE)                    \
	MSG(MSG_INSTANCE_STATE, 48, JAIL, PLAN, 0, 0, F_INSTANCE, F_APP,       \
	    F_KIND, F_RELEASE, F_GENERATION, F_PTYPE, F_NUM, F_NAME, F_PORT,   \
	    F_STATE, F_EXIT_CODE, F_EXIT_SIGNAL, F_OOM, F_TIME)                \
	MSG(MSG_STATES_END, 49, JAIL, PLAN, 0, 0, F_NONE)                      \
                                                                               \
	/* where does it listen? Answered with groups of F_PORT and F_OP, */   \
	/* an enum listens_where of wire/listens.h */                          \
	MSG(MSG_INSTANCE_LOOK, 171, PLAN, JAIL, 0, 0, F_INSTANCE)              \
	MSG(MSG_INSTANCE_PORTS, 172, JAIL, PLAN, 0, 0, F_INSTANCE)             \
                                                                               \
	/* it uses nearly all its memory, or a process was killed for it */    \
	MSG(MSG_INSTANCE_MEMORY, 173, JAIL, PLAN, 0, 0, F_INSTANCE, F_BYTES,   \
	    F_MEMORY, F_OOM)                                                   \
                                                                               \
	/* how much memory is free? Answered with groups of F_INSTANCE F_USED  \
	 */                                                                    \
	/* of the app's processes that run */                                  \
	MSG(MSG_ROOM_ASK, 180, PLAN, JAIL, 0, 0, F_APP)                        \
	MSG(MSG_ROOM, 181, JAIL, PLAN, 0, 0, F_APP, F_FREE)                    \
	/* a line about a release under way, for who pushes it */              \
	MSG(MSG_RELEASE_NOTE, 182, PLAN, WEB, 0, 0, F_APP, F_RELEASE, F_TEXT)  \
                                                                               \
	/* jail -> shim, on the instance's ctl socket */                       \
	MSG(MSG_SHIM_SIGNAL, 50, JAIL, SHIM, 0, 0, F_SIGNO)                    \
	MSG(MSG_SHIM_ATTACH, 51, JAIL, SHIM, 1, 1, F_NONE)                     \
	MSG(MSG_SHIM_RESIZE, 151, JAIL, SHIM, 0, 0, F_ROWS, F_COLS)            \
                                                                               \
	/* logs. FOLLOW's fd is a pipe that logd writes lines into and */      \
	/* closes at the end unless F_TAIL: "TIME SOURCE[PROC]: TEXT\n". */    \
	/* F_SOURCE, F_PROC, F_INSTANCE hold back the lines of others */       \
	MSG(MSG_LOG_WRITE, 52, ROUTER | WEB | PLAN | NAMES, LOGD, 0, 0, F_APP, \
	    F_SOURCE, F_PROC, F_TEXT)                                          \
	MSG(MSG_LOG_FOLLOW, 53, WEB, LOGD, 1, 1, F_APP, F_LINES, F_TAIL)       \
	MSG(MSG_LOG_DROP, 54, WEB, LOGD, 0, 0, F_APP)                          \
	/* drains: BEGIN..END replaces all, alone is a change; what came */    \
	/* before F_TIME is not sent */                                        \
	MSG(MSG_DRAINS_BEGIN, 190, WEB, LOGD, 0, 0, F_NONE)                    \
	MSG(MSG_DRAIN, 191, WEB, LOGD, 0, 0, F_DRAIN, F_APP, F_DRAIN_URL,      \
	    F_DRAIN_TOKEN, F_TIME)                                             \
	MSG(MSG_DRAINS_END, 192, WEB, LOGD, 0, 0, F_NONE)                      \
	MSG(MSG_DRAIN_DROP, 193, WEB, LOGD, 0, 0, F_DRAIN)                     \
	/* fd: F_COUNT messages, framed for the drain's kind. SENT: the */     \
	/* next may come; DONE: this and all before have arrived; FAILED: */   \
	/* nothing after the last DONE has, and what comes of this F_EPOCH */  \
	/* is left; F_CODE ERR_INVALID: this one will never be taken */        \
	MSG(MSG_DRAIN_SEND, 194, LOGD, OUTBOUND, 1, 1, F_DRAIN, F_EPOCH,       \
	    F_DRAIN_URL, F_DRAIN_TOKEN, F_SEQ, F_COUNT, F_BATCH)               \
	MSG(MSG_DRAIN_SENT, 195, OUTBOUND, LOGD, 0, 0, F_DRAIN, F_SEQ)         \
	MSG(MSG_DRAIN_DONE, 196, OUTBOUND, LOGD, 0, 0, F_DRAIN, F_SEQ)         \
	MSG(MSG_DRAIN_FAILED, 197, OUTBOUND, LOGD, 0, 0, F_DRAIN, F_SEQ,       \
	    F_CODE, F_TEXT)                                                    \
	MSG(MSG_DRAIN_STOP, 198, LOGD, OUTBOUND, 0, 0, F_DRAIN)                \
                                                                               \
	/* gitd -> web. AUTH is asked before a byte of a pack is read; */      \
	/* F_OP enum push_op */                                                \
	MSG(MSG_PUSH_AUTH, 55, GITD, WEB, 0, 0, F_APP_NAME, F_TOKEN, F_OP)     \
	MSG(MSG_PUSH_GRANT, 56, WEB, GITD, 0, 0, F_APP, F_REPO, F_USER)        \
	/* the durable row of a push to the deploy branch; answered OPENED */  \
	MSG(MSG_PUSH_OPEN, 57, GITD, WEB, 0, 0, F_APP, F_USER, F_REF, F_OLD,   \
	    F_NEW)                                                             \
	/* fd: the build's log, to read as it grows */                         \
	MSG(MSG_PUSH_OPENED, 58, WEB, GITD, 1, 1, F_PUSH, F_BUILD)             \
	/* after a restart of either side: OPENED again, then DECIDED */       \
	MSG(MSG_PUSH_WATCH, 59, GITD, WEB, 0, 0, F_PUSH)                       \
	MSG(MSG_PUSH_TICK, 60, WEB, GITD, 0, 0, F_PUSH, F_OFFSET)              \
	/* F_STATE enum push_state; F_TEXT why it was refused */               \
	MSG(MSG_PUSH_DECIDED, 61, WEB, GITD, 0, 0, F_PUSH, F_STATE, F_TEXT)    \
	/* the ref has been moved (or never will be) */                        \
	MSG(MSG_PUSH_SETTLED, 62, GITD, WEB, 0, 0, F_PUSH)                     \
	/* the rows not settled, each a ROW with the question's id, then OK */ \
	MSG(MSG_PUSH_LIST, 63, GITD, WEB, 0, 0, F_NONE)                        \
	MSG(MSG_PUSH_ROW, 64, WEB, GITD, 0, 0, F_PUSH, F_APP, F_REPO, F_REF,   \
	    F_OLD, F_NEW, F_STATE)                                             \
	MSG(MSG_REPO_DROP, 65, WEB, GITD, 0, 0, F_REPO)                        \
                                                                               \
	/* web -> builder. fds: the log (append), the sealed environment. */   \
	/* F_IMAGE and F_LAYER* are the app's previous image, if any. Sent */  \
	/* again after a reconnect; a build already running goes on */         \
	MSG(MSG_BUILD_START, 66, WEB, BUILDER, 2, 2, F_BUILD, F_APP,           \
	    F_APP_NAME, F_REPO, F_COMMIT)                                      \
	MSG(MSG_BUILD_CANCEL, 67, WEB, BUILDER, 0, 0, F_BUILD)                 \
	MSG(MSG_BUILD_TICK, 68, BUILDER, WEB, 0, 0, F_BUILD, F_OFFSET)         \
	MSG(MSG_BUILD_STAGE, 69, BUILDER, WEB, 0, 0, F_BUILD, F_STAGE, F_MS,   \
	    F_CACHED)                                                          \
	/* groups of F_PTYPE F_COMMAND; F_BUILDPACK*; F_APP_JSON if it has */  \
	/* one; answered with OK */                                            \
	MSG(MSG_BUILD_DONE, 70, BUILDER, WEB, 0, 0, F_BUILD, F_IMAGE, F_LAYER) \
	MSG(MSG_BUILD_FAILED, 71, BUILDER, WEB, 0, 0, F_BUILD, F_TEXT)         \
                                                                               \
	/* workers: one connection, one job. F_OP enum receive_op. fds: the */ \
	/* body of the request after HTTP, from the first pkt-line on; for */  \
	/* a fetch also where the answer goes. A push brings F_QUARANTINE, */  \
	/* F_BYTES and F_FILES (most bytes and objects of its pack) and */     \
	/* F_COUNT (most refs), a fetch F_CAPS (the Git-Protocol header) */    \
	MSG(MSG_RECEIVE, 72, GITD, RECEIVE, 1, 2, F_REPO, F_OP)                \
	/* F_ARG: the ref's name as it was sent, gitd judges it */             \
	MSG(MSG_RECEIVE_REF, 73, RECEIVE, GITD, 0, 0, F_ARG, F_OLD, F_NEW)     \
	MSG(MSG_RECEIVE_OPTION, 74, RECEIVE, GITD, 0, 0, F_OPTION)             \
	/* all commands are read; F_CAPS as the client sent them */            \
	MSG(MSG_RECEIVE_CMDS, 75, RECEIVE, GITD, 0, 0, F_CAPS)                 \
	/* the F_NUM-th ref, from 0, can't be moved: its new id is missing */  \
	MSG(MSG_RECEIVE_BAD_REF, 76, RECEIVE, GITD, 0, 0, F_NUM, F_TEXT)       \
	/* the pack is checked and lies in the quarantine; without F_PACK */   \
	/* there was none. Ends a fetch too */                                 \
	MSG(MSG_RECEIVE_DONE, 77, RECEIVE, GITD, 0, 0, F_BYTES)                \
	/* fd: where the tree goes, in the form of wire/source.h */            \
	MSG(MSG_EXPORT, 78, BUILDER, RECEIVE, 1, 1, F_REPO, F_COMMIT, F_BYTES, \
	    F_FILES)                                                           \
	MSG(MSG_EXPORT_DONE, 79, RECEIVE, BUILDER, 0, 0, F_BYTES, F_FILES)     \
                                                                               \
	/* the owner's `paas doctor`; plan passes it on to jail. OK carries */ \
	/* groups of F_LEVEL F_TEXT F_TODO, in the order to read them in */    \
	MSG(MSG_DOCTOR, 95, WEB | PLAN, PLAN | JAIL, 0, 0, F_NONE)             \
                                                                               \
	/* rest. QUIET: no request for the F_MS that TARGET_APP asked for; */  \
	/* CALLED: one waits while FRONT_ASLEEP */                             \
	MSG(MSG_APP_QUIET, 210, ROUTER, PLAN, 0, 0, F_APP)                     \
	MSG(MSG_APP_CALLED, 211, ROUTER, PLAN, 0, 0, F_APP)                    \
	/* F_STATE 1 freezes, 0 thaws; refused while it has connections */     \
	MSG(MSG_INSTANCE_FREEZE, 212, PLAN, JAIL, 0, 0, F_INSTANCE, F_STATE)   \
	/* enum app_rest */                                                    \
	MSG(MSG_APP_REST, 213, PLAN, WEB, 0, 0, F_APP, F_STATE)                \
	/* what each app may reach: F_EGRESS*, groups of F_LINK F_APP_NAME; */ \
	/* all of it at once, none is none. F_APP 0: every app. plan passes */ \
	/* it on to jail (addresses) and names (names) */                      \
	MSG(MSG_NET_BEGIN, 110, WEB | PLAN, PLAN | JAIL | NAMES, 0, 0, F_NONE) \
	MSG(MSG_NET, 111, WEB | PLAN, PLAN | JAIL | NAMES, 0, 0, F_APP)        \
	MSG(MSG_NET_END, 112, WEB | PLAN, PLAN | JAIL | NAMES, 0, 0, F_NONE)   \
	/* who asks from which address; F_STATE 1: and is found by name */     \
	MSG(MSG_ENDPOINTS_BEGIN, 113, PLAN, NAMES, 0, 0, F_NONE)               \
	MSG(MSG_ENDPOINT, 114, PLAN, NAMES, 0, 0, F_INSTANCE, F_APP,           \
	    F_ADDRESS, F_NAME, F_PTYPE, F_STATE)                               \
	MSG(MSG_ENDPOINTS_END, 115, PLAN, NAMES, 0, 0, F_NONE)                 \
	MSG(MSG_ENDPOINT_GONE, 116, PLAN, NAMES, 0, 0, F_INSTANCE)             \
	/* a name that the app may reach has these addresses: open them on */  \
	/* this port; answered when it is done */                              \
	MSG(MSG_NET_OPEN, 117, NAMES | PLAN, PLAN | JAIL, 0, 0, F_APP, F_PORT, \
	    F_ADDRESS)                                                         \
	/* the host's resolvers, all of them; none is none */                  \
	MSG(MSG_RESOLVERS, 118, JAIL | PLAN, PLAN | NAMES, 0, 0, F_NONE)

#define MSG_ENUM(type, number, ...) type = number,
enum msg { MSG_NONE, MSG_TABLE(MSG_ENUM) MSG_N = 256 };

/* What the numbers in fields mean. */
enum want_slot { WANT_LIVE, WANT_NEXT };
enum instance_kind {
	KIND_APP,     /* kept running by the formation */
	KIND_RUN,     /* one-off */
	KIND_RELEASE, /* release phase */
	KIND_BUILD,   /* runs buildpacks: layers below, a work upper above */
	KIND_EXPORT,  /* runs our exporter alone over the same root */
	KIND_IMPORT,  /* runs our importer alone in an empty root */
	KIND_EXEC,    /* one-off inside a running instance */
	KIND_CRON,    /* one-off that is due at certain times */
	KIND_N
};
enum instance_state { INSTANCE_STARTING, INSTANCE_RUNNING, INSTANCE_EXITED };
enum cron_act { /* what plan did when a job was due */
	CRON_START,
	CRON_BUSY,     /* it still runs from before */
	CRON_TOO_LATE, /* it was due while nobody could start it */
	CRON_RESET     /* the clock was wrong */
};
enum target_state { TARGET_CHECK, TARGET_SERVE, TARGET_DRAIN, TARGET_SLEEP };
enum app_front { FRONT_NONE, FRONT_HOLD, FRONT_CRASHED, FRONT_ASLEEP };
enum app_rest { REST_NONE, REST_FROZEN, REST_STOPPED };
enum route_target {
	ROUTE_PLATFORM, /* /NAME.git/ to gitd, /attach/ to jail, else web */
	ROUTE_GITD,
	ROUTE_APP
};
enum dyno_state {
	DYNO_STARTING,
	DYNO_UP,
	DYNO_STOPPING,
	DYNO_CRASHED,
	DYNO_IDLE
};
enum push_op { PUSH_FETCH, PUSH_PUSH };
enum receive_op { RECEIVE_PUSH, RECEIVE_FETCH, RECEIVE_REFS /* of a fetch */ };
enum push_state { PUSH_BUILDING, PUSH_ACCEPTED, PUSH_REFUSED };
enum finding_level {
	FINDING_OK,
	FINDING_NOTE, /* nothing is wrong, something could be better */
	FINDING_WARN, /* a promise is weaker here, or will break soon */
	FINDING_BAD,  /* something does not work */
	FINDING_LEVELS
};

/*
 * $PORT of an app's processes: always the same of an app, so that who is
 * linked to it can be told. Each instance has it in a network of its own.
 */
uint16_t msg_app_port(uint64_t app); /* 10000..31999 */

const char *msg_name(uint16_t type); /* "WANT_BEGIN"; "?" for an unknown one */

/* Does f keep its row's rules, sent by from to to? */
int msg_check(
    const struct frame *f, enum role from, enum role to, struct error *err);
