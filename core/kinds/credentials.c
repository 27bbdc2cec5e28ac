// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/credentials.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/kinds/plan.h"
#include "core/kinds/status.h"
#include "core/kinds/thread.h"
#include "core/task/proc.h"

#include <linux/securebits.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

enum { IDS = 4, REAL = 0, EFFECTIVE = 1, SAVED = 2, FS = 3 }; /* as the status orders them */

/* ---- reading ---- */

static int read_ids(const char *status, const char *name, uint32_t *const ids[IDS])
{
	const char *at = status_line(status, name);
	int i;

	for (i = 0; i < IDS; i++)
		if (!at || !status_number(&at, ids[i]))
			return -1;
	return 0;
}

static void read_groups(const char *status, Sn__Credentials *model)
{
	const char *at = status_line(status, "Groups");
	uint32_t group;

	while (at && status_number(&at, &group)) {
		model->groups = sn_realloc(model->groups, model->n_groups + 1, sizeof(group));
		model->groups[model->n_groups++] = group;
	}
}

static int read_status(const char *status, Sn__Credentials *model, struct sn_err *err)
{
	uint32_t *const uids[IDS] = {&model->ruid, &model->euid, &model->suid, &model->fsuid};
	uint32_t *const gids[IDS] = {&model->rgid, &model->egid, &model->sgid, &model->fsgid};
	uint64_t no_new_privs = 0;

	if (read_ids(status, "Uid", uids) < 0 || read_ids(status, "Gid", gids) < 0 ||
	    !proc_field(status, "CapInh", 16, &model->cap_inheritable) ||
	    !proc_field(status, "CapPrm", 16, &model->cap_permitted) ||
	    !proc_field(status, "CapEff", 16, &model->cap_effective) ||
	    !proc_field(status, "CapBnd", 16, &model->cap_bounding) ||
	    !proc_field(status, "CapAmb", 16, &model->cap_ambient))
		return sn_fail(err, "no credentials in the status");
	read_groups(status, model);
	proc_field(status, "NoNewPrivs", 10, &no_new_privs);
	model->no_new_privs = no_new_privs != 0;
	return 0;
}

static int ask(struct reading *r, void *message, struct sn_err *err)
{
	r->keep[0] = remote_call(r->remote, "read securebits", SYS_prctl, PR_GET_SECUREBITS);
	return read_status(r->status, message, err);
}

static int take(struct reading *r, void *message, struct sn_err *err)
{
	const struct remote_call *call = r->keep[0];
	Sn__Credentials *model = message;

	(void)err;
	model->securebits = (uint32_t)call->result;
	return 0;
}

/* ---- comparing ---- */

static bool has(uint64_t set, int cap)
{
	return set >> cap & 1;
}

static bool same_groups(const Sn__Credentials *a, const Sn__Credentials *b)
{
	return a->n_groups == b->n_groups &&
	       (a->n_groups == 0 ||
		memcmp(a->groups, b->groups, a->n_groups * sizeof(*a->groups)) == 0);
}

static bool same_uids(const Sn__Credentials *a, const Sn__Credentials *b)
{
	return a->ruid == b->ruid && a->euid == b->euid && a->suid == b->suid &&
	       a->fsuid == b->fsuid;
}

static bool same_gids(const Sn__Credentials *a, const Sn__Credentials *b)
{
	return a->rgid == b->rgid && a->egid == b->egid && a->sgid == b->sgid &&
	       a->fsgid == b->fsgid;
}

/* What a thread that is not there yet is born with: that of the leader, who makes it. */
static const Sn__Credentials *known(const Sn__Task *have, uint32_t tid)
{
	const Sn__Thread *thread = thread_by_tid(have, tid);

	if (!thread && have && have->n_threads)
		thread = have->threads[0];
	return thread ? thread->credentials : NULL;
}

bool credentials_differ(const Sn__Task *have, const Sn__Thread *want)
{
	return want->credentials &&
	       !message_equal((const void *)known(have, want->tid),
			      (const void *)want->credentials);
}

/* ---- refusing ---- */

/* "cap_chown" for the first of a set. */
static int lacks(struct sn_err *err, const char *what, uint64_t caps)
{
	int cap = __builtin_ctzll(caps);
	char *name = cap_to_name(cap);

	sn_fail(err, "%s: %s cannot be had again", what, name ? name : "a capability");
	cap_free(name);
	return -1;
}

/* Without privilege each id can become one of the real, effective and saved. */
static bool ids_at_hand(const uint32_t old[IDS], const uint32_t new[IDS])
{
	int i;

	for (i = 0; i < IDS; i++)
		if (new[i] != old[REAL] && new[i] != old[EFFECTIVE] && new[i] != old[SAVED] &&
		    !(i == FS && new[i] == old[FS]))
			return false;
	return true;
}

static int refuse_ids(const Sn__Credentials *old, const Sn__Credentials *new, struct sn_err *err)
{
	const uint32_t old_uids[IDS] = {old->ruid, old->euid, old->suid, old->fsuid};
	const uint32_t new_uids[IDS] = {new->ruid, new->euid, new->suid, new->fsuid};
	const uint32_t old_gids[IDS] = {old->rgid, old->egid, old->sgid, old->fsgid};
	const uint32_t new_gids[IDS] = {new->rgid, new->egid, new->sgid, new->fsgid};

	if (!has(old->cap_permitted, CAP_SETUID) && !ids_at_hand(old_uids, new_uids))
		return sn_fail(err, "user %u cannot become user %u (it has no CAP_SETUID)",
			       old->euid, new->euid);
	if (has(old->cap_permitted, CAP_SETGID))
		return 0;
	if (!ids_at_hand(old_gids, new_gids))
		return sn_fail(err, "group %u cannot become group %u (it has no CAP_SETGID)",
			       old->egid, new->egid);
	if (!same_groups(old, new))
		return sn_fail(err, "its groups cannot be changed (it has no CAP_SETGID)");
	return 0;
}

static int refuse_capabilities(const Sn__Credentials *old, const Sn__Credentials *new,
			       struct sn_err *err)
{
	bool may_set = has(old->cap_permitted, CAP_SETPCAP);
	uint64_t inherit = new->cap_inheritable & ~old->cap_inheritable;
	uint64_t source = may_set ? old->cap_bounding : old->cap_bounding & old->cap_permitted;

	if (new->cap_permitted & ~old->cap_permitted)
		return lacks(err, "permitted capabilities",
			     new->cap_permitted & ~old->cap_permitted);
	if (new->cap_bounding & ~old->cap_bounding)
		return lacks(err, "bounding set", new->cap_bounding & ~old->cap_bounding);
	if (inherit & ~source)
		return lacks(err, "inheritable capabilities", inherit & ~source);
	if (!may_set && new->cap_bounding != old->cap_bounding)
		return sn_fail(err, "the bounding set cannot be changed (it has no CAP_SETPCAP)");
	if (!may_set && ((old->securebits ^ new->securebits) & ~(uint32_t)SECBIT_KEEP_CAPS))
		return sn_fail(err, "securebits cannot be changed (it has no CAP_SETPCAP)");
	return 0;
}

static int refuse(const Sn__Credentials *old, const Sn__Credentials *new, struct sn_err *err)
{
	if (old->no_new_privs && !new->no_new_privs)
		return sn_fail(err, "no_new_privs cannot be taken back");
	if (refuse_ids(old, new, err) < 0)
		return -1;
	return refuse_capabilities(old, new, err);
}

/* ---- correcting ---- */

static int plan(struct plan *plan, const Sn__Task *have, const Sn__Task *want, struct sn_err *err)
{
	size_t i;

	for (i = 0; i < want->n_threads; i++) {
		const Sn__Thread *thread = want->threads[i];
		const Sn__Credentials *old = known(have, thread->tid);

		if (!credentials_differ(have, thread))
			continue;
		if (old && refuse(old, thread->credentials, err) < 0)
			return sn_ctx(err, "credentials of thread %u", thread->tid);
		plan_add(plan, (struct step){.stage = STAGE_SECURITY,
					     .verb = VERB_CORRECT,
					     .kind = &kind_credentials,
					     .have = (const void *)old,
					     .want = (const void *)thread->credentials,
					     .tid = (pid_t)thread->tid});
	}
	return 0;
}

static void set_caps(struct applying *a, uint64_t effective, uint64_t permitted,
		     uint64_t inheritable)
{
	const struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	const struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
		{(uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable},
		{(uint32_t)(effective >> 32), (uint32_t)(permitted >> 32),
		 (uint32_t)(inheritable >> 32)},
	};

	remote_call(a->remote, "set capabilities", SYS_capset,
		    remote_data(a->remote, &header, sizeof(header)),
		    remote_data(a->remote, data, sizeof(data)));
}

static void set_gids(struct applying *a, const Sn__Credentials *old, const Sn__Credentials *new)
{
	if (!same_groups(old, new))
		remote_call(a->remote, "set groups (needs CAP_SETGID)", SYS_setgroups,
			    new->n_groups,
			    remote_data(a->remote, new->groups,
					new->n_groups * sizeof(*new->groups)));
	if (same_gids(old, new))
		return;
	remote_call(a->remote, "set group ids (needs CAP_SETGID)", SYS_setresgid, new->rgid,
		    new->egid, new->sgid);
	/* never fails: it tells what was before */
	remote_call(a->remote, "set the file system group id", SYS_setfsgid, new->fsgid);
}

static void set_uids(struct applying *a, const Sn__Credentials *old, const Sn__Credentials *new)
{
	if (same_uids(old, new))
		return;
	/* may be locked; where there is nothing to keep that is no matter, elsewhere the last
	 * capset says what is missing */
	remote_try(a->remote, "keep capabilities", SYS_prctl, PR_SET_KEEPCAPS, 1);
	remote_call(a->remote, "set user ids (needs CAP_SETUID)", SYS_setresuid, new->ruid,
		    new->euid, new->suid);
	remote_call(a->remote, "set the file system user id", SYS_setfsuid, new->fsuid);
	set_caps(a, old->cap_permitted, old->cap_permitted, new->cap_inheritable);
}

static void drop_bounding(struct applying *a, uint64_t dropped)
{
	uint64_t cap;

	for (cap = 0; cap < 64; cap++)
		if (has(dropped, (int)cap))
			remote_call(a->remote, "drop from the bounding set (needs CAP_SETPCAP)",
				    SYS_prctl, PR_CAPBSET_DROP, cap);
}

static void set_ambient(struct applying *a, const Sn__Credentials *old, const Sn__Credentials *new)
{
	uint64_t cap;

	if (old->cap_ambient == new->cap_ambient && (!old->cap_ambient || same_uids(old, new)))
		return;
	if (new->cap_ambient && (old->securebits & SECBIT_NO_CAP_AMBIENT_RAISE))
		remote_call(a->remote, "allow ambient capabilities (needs CAP_SETPCAP)", SYS_prctl,
			    PR_SET_SECUREBITS, old->securebits & ~SECBIT_NO_CAP_AMBIENT_RAISE);
	remote_call(a->remote, "clear ambient capabilities", SYS_prctl, PR_CAP_AMBIENT,
		    PR_CAP_AMBIENT_CLEAR_ALL);
	for (cap = 0; cap < 64; cap++)
		if (has(new->cap_ambient, (int)cap))
			remote_call(a->remote, "raise an ambient capability", SYS_prctl,
				    PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap);
}

static void set_securebits(struct applying *a, const Sn__Credentials *old,
			   const Sn__Credentials *new)
{
	uint64_t keep = (new->securebits & SECBIT_KEEP_CAPS) != 0;

	if ((old->securebits ^ new->securebits) & ~(uint32_t)SECBIT_KEEP_CAPS)
		remote_call(a->remote, "set securebits (needs CAP_SETPCAP)", SYS_prctl,
			    PR_SET_SECUREBITS, new->securebits);
	else if (!same_uids(old, new) || old->securebits != new->securebits)
		remote_try(a->remote, "keep capabilities or not", SYS_prctl, PR_SET_KEEPCAPS, keep);
}

static void change(struct applying *a, const Sn__Credentials *old, const Sn__Credentials *new)
{
	bool same_caps = old->cap_inheritable == new->cap_inheritable &&
			 old->cap_permitted == new->cap_permitted &&
			 old->cap_effective == new->cap_effective &&
			 old->cap_bounding == new->cap_bounding &&
			 old->cap_ambient == new->cap_ambient &&
			 old->securebits == new->securebits;

	if (!same_caps || !same_uids(old, new) || !same_gids(old, new) || !same_groups(old, new)) {
		set_caps(a, old->cap_permitted, old->cap_permitted, old->cap_inheritable);
		set_caps(a, old->cap_permitted, old->cap_permitted, new->cap_inheritable);
		set_gids(a, old, new);
		drop_bounding(a, old->cap_bounding & ~new->cap_bounding);
		set_uids(a, old, new);
		set_ambient(a, old, new);
		set_securebits(a, old, new);
		set_caps(a, new->cap_effective, new->cap_permitted, new->cap_inheritable);
	}
	if (new->no_new_privs && !old->no_new_privs)
		remote_call(a->remote, "set no_new_privs", SYS_prctl, PR_SET_NO_NEW_PRIVS, 1);
}

/* Asks the thread at hand for what the model does not say. */
static int read_now(struct applying *a, Sn__Credentials *model, struct sn_err *err)
{
	sn_auto_free char *status = proc_read(a->thread->tid, "status", NULL, err);
	const struct remote_call *call;

	if (!status || read_status(status, model, err) < 0)
		return -1;
	call = remote_call(a->remote, "read securebits", SYS_prctl, PR_GET_SECUREBITS);
	if (remote_run(a->remote, a->thread->tid, err) < 0)
		return -1;
	model->securebits = (uint32_t)call->result;
	return 0;
}

static int apply(struct applying *a, const struct step *step, struct sn_err *err)
{
	const Sn__Credentials *new = (const void *)step->want;
	Sn__Credentials now = SN__CREDENTIALS__INIT;
	int result;

	if (step->have) {
		change(a, (const void *)step->have, new);
		return 0;
	}
	result = read_now(a, &now, err) < 0 || refuse(&now, new, err) < 0 ? -1 : 0;
	if (result == 0)
		change(a, &now, new);
	free(now.groups);
	return result;
}

const struct kind kind_credentials = {
	.name = "credentials",
	.level = KIND_THREAD,
	.field = 26,
	.stage = STAGE_SECURITY,
	.ask = ask,
	.take = take,
	.plan = plan,
	.apply = apply,
};
