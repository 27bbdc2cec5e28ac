/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kinds: all there is to know of one kind of kernel object, in one file pair.
 *
 * The engine (core/tree) walks the table of kinds and never names one. A kind says how
 * its message of the model is read from a frozen task and how a task is corrected to a
 * wanted message; what belongs to it in the plan follows from that. Which functions a
 * kind has depends on its level:
 *
 *	KIND_TASK    one message in Task, a state of the whole process; with field 0 the
 *	             Task itself, for those whose objects come and go
 *	KIND_THREAD  one message in Thread
 *	KIND_FILE    one member of OpenFile's oneof: a kind of open file description
 *
 * Reading happens in two steps so that all kinds of a thread share one round of remote
 * calls: `ask` reads what /proc and local calls tell, and queues remote calls; `take` looks
 * at their results. Either may be NULL.
 *
 * Correcting: `correct` is called when have and want differ, in the kind's stage, with
 * the remote calls of its thread begun; it queues calls, which the engine runs (it may
 * call applying_run itself when it needs results in between). `have` may be NULL (nothing is
 * known) and `want` may be NULL (the wanted model has none).
 *
 * How to add one: doc/adding-a-kind.md.
 */
#ifndef CORE_KINDS_KIND_H
#define CORE_KINDS_KIND_H

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/kernel/caps.h"
#include "core/task/remote.h"
#include "core/task/task.h"
#include "proto/field.h"
#include "proto/image.pb-c.h"

#include <stdarg.h>
#include <sys/stat.h>

enum kind_level { KIND_TASK, KIND_THREAD, KIND_FILE };

/* The order in which a task is corrected; within a stage, the order of the table. */
enum stage {
	STAGE_RELEASE,       /* what would hold on to the old state: rseq, surplus threads */
	STAGE_UNMAP,
	STAGE_MOVE,          /* special mappings to their places */
	STAGE_OBJECTS,       /* memory objects are made and filled */
	STAGE_MAP,
	STAGE_PAGES,         /* contents of private memory */
	STAGE_PROTECT,       /* protections, advice, locks: may forbid writing pages */
	STAGE_ADDRESS_SPACE,
	STAGE_FILES,
	STAGE_TASK,
	STAGE_THREADS,       /* missing threads are made */
	STAGE_THREAD,        /* thread kinds, in each thread */
	STAGE_SECURITY,      /* what may forbid what comes before it: credentials, dumpable */
	STAGE_REGISTERS,
	STAGE_COUNT,
};

struct smaps;

/* ---- reading ---- */

/* A descriptor of the target, as seen from outside. */
struct file_probe {
	int fd;
	const char *link;   /* /proc/PID/fd/N: "pipe:[4711]", "/tmp/x (deleted)" */
	struct stat stat;   /* of the open file */
	const char *fdinfo; /* text of /proc/PID/fdinfo/N */
	uint32_t flags;     /* O_*, without O_CLOEXEC */
	uint64_t pos_bytes;
	int socket_family;  /* AF_*, of a socket; else -1 */
};

/* What ask and take of one kind and one object see; the same struct for both. */
struct reading {
	struct task *task;
	struct remote *remote;
	const struct kernel_caps *caps;
	Sn__Image *image;          /* being filled */
	Sn__Task *task_model;
	const struct proc_maps *maps; /* as frozen, our window among them or not */
	const struct smaps *smaps; /* read before the freeze; NULL or stale: read again */
	const char *status;        /* /proc/PID/status; of the thread for KIND_THREAD */
	struct task_thread *thread; /* KIND_THREAD: whose; else the leader */
	const struct file_probe *probe; /* KIND_FILE */
	Sn__OpenFile *file;        /* KIND_FILE: the description the message is part of */
	int local_fd;              /* reading_fd's; -1 none yet */
	void *keep[8];             /* from ask to take: room and calls of the remote */
};

/* KIND_FILE: the open file itself, as a descriptor of ours until take has returned
 * (pidfd_getfd: the same description, so never change its state for good). */
int reading_fd(struct reading *r, struct sn_err *err);

/* The id of the memory object with this inode, adding it when it is new; its fields other
 * than id, dev and ino are the adder's to fill when *added. */
Sn__MemoryObject *reading_object(struct reading *r, uint64_t dev, uint64_t ino, bool *added);

/* ---- correcting ---- */

struct applying {
	struct task *task;
	struct remote *remote;
	const struct kernel_caps *caps;
	const Sn__Image *have, *want;
	const Sn__Task *have_task, *want_task;
	struct task_thread *thread; /* in which remote calls run */
	const Sn__Thread *want_thread; /* KIND_THREAD */
	const char *tty;            /* for a terminal outside the image, NULL: none */
	uint64_t hole;              /* free addresses in both models, at and after the window */
	bool blank;                 /* a new process is filled, not a living one corrected */
	struct applied_files *files;   /* descriptor.c: descriptions made so far */
	struct applied_objects *objects; /* object.c: memory objects at hand */
	void (*note)(void *arg, const char *line); /* what could not be as it was */
	void *note_arg;
};

/* Runs what is queued in the thread at hand, then begins anew. */
int applying_run(struct applying *a, struct sn_err *err);
/* A duplicate of the target's descriptor, the caller's to close soon: while it is open no
 * end of file, hangup or lock release happens. */
int applying_fd(struct applying *a, int fd, struct sn_err *err);
/* Tells the person what could not be brought back as it was: "fd 8: TCP connection ...". */
void applying_note(struct applying *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/*
 * KIND_FILE: the open file description `file_id` of the wanted image exists now as descriptor
 * `fd` of the target (any number; the engine moves it). Run, not queued. For a kind whose
 * descriptions are made together (pipe ends, socket pairs) one make reports all of them.
 */
int applying_made(struct applying *a, uint32_t file_id, int fd, struct sn_err *err);
/* Moves a descriptor of the target to a number nobody wants; the new number, or -1. Run. */
int applying_park(struct applying *a, int fd, struct sn_err *err);
/* The same, leaving the old number open. */
int applying_duplicate(struct applying *a, int fd, struct sn_err *err);

/* ---- the table ---- */

struct step;
struct plan;

struct file_ops {
	/* Whether the probed descriptor is of this kind. */
	bool (*recognise)(const struct file_probe *probe);
	/* Whether the living description `have` can be corrected to `want` by `settle`: both are
	 * of this kind already. NULL: always. */
	bool (*same)(const Sn__OpenFile *have, const Sn__OpenFile *want);
	/* Descriptions with the same group number, not 0, can only be made together (the ends of a
	 * pipe, a socket pair): when one has to be, all are. NULL: none. */
	uint64_t (*group)(const Sn__OpenFile *file);
	/* Makes the description in the target and reports it by applying_made. */
	int (*make)(struct applying *a, const Sn__OpenFile *want, struct sn_err *err);
	/* The state of a made (have NULL) or living description, in place as descriptor `fd`:
	 * offset, counts, contents. O_* status flags and owner are the engine's. May be NULL. */
	int (*settle)(struct applying *a, const Sn__OpenFile *have, const Sn__OpenFile *want,
		      int fd, struct sn_err *err);
	/* After every descriptor is in its place: what refers to others (epoll). May be NULL. */
	int (*link)(struct applying *a, const Sn__OpenFile *have, const Sn__OpenFile *want,
		    int fd, struct sn_err *err);
	/* One line on why `want` cannot be made in a new process ("the pipe's other end is held
	 * by another process"), NULL when it can: asked before anything is touched. May be NULL. */
	const char *(*refuse)(const Sn__Image *want, const Sn__OpenFile *file);
};

struct kind {
	const char *name; /* as a person says it: "interval timers" */
	enum kind_level level;
	unsigned field;   /* number of its message in Task, Thread or OpenFile */
	enum stage stage; /* KIND_TASK and KIND_THREAD */
	int (*ask)(struct reading *r, void *message, struct sn_err *err);
	int (*take)(struct reading *r, void *message, struct sn_err *err);
	/* Frees what ask has kept beyond the remote's own; also when take was not reached. */
	void (*release)(struct reading *r);
	int (*correct)(struct applying *a, const void *have, const void *want, struct sn_err *err);
	const struct file_ops *file; /* KIND_FILE */
	/* For kinds whose objects come and go (mappings, descriptors, threads): their own steps
	 * instead of one correction. */
	int (*plan)(struct plan *plan, const Sn__Task *have, const Sn__Task *want,
		    struct sn_err *err);
	int (*apply)(struct applying *a, const struct step *step, struct sn_err *err);
};

extern const struct kind *const kinds[]; /* NULL at the end */

/* ---- small help ---- */

/* A new element at the end of a repeated message field: protobuf-c's arrays grow by one. */
#define kind_append(message, field, type_lower)                                              \
	({                                                                                   \
		__typeof__(*(message)->field) element_ = sn_malloc(sizeof(*element_));       \
		type_lower##__init(element_);                                                \
		(message)->field = sn_realloc((message)->field, (message)->n_##field + 1,    \
					      sizeof(*(message)->field));                    \
		(message)->field[(message)->n_##field++] = element_;                         \
		element_;                                                                    \
	})

/* Replaces a string or bytes of a message. */
void kind_set_string(char **field, const char *text);
void kind_set_bytes(ProtobufCBinaryData *field, const void *bytes, size_t len);

#endif
