// SPDX-License-Identifier: Apache-2.0
/*
 * Credentials of a process that began as root: groups, saved ids, capabilities in every
 * set, securebits; effective ids and effective capabilities change with the generation.
 */
#include "victim.h"
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>

enum { OTHER = 65534 };

/* The bits this victim plays with: chown, kill, setuid, net_bind_service, sys_nice. */
static const uint32_t permitted = 1u << CAP_CHOWN | 1u << CAP_KILL | 1u << CAP_SETUID |
				  1u << CAP_SETGID | 1u << CAP_NET_BIND_SERVICE |
				  1u << CAP_SYS_NICE;
static const uint32_t inheritable = 1u << CAP_NET_BIND_SERVICE | 1u << CAP_KILL;

static int caps(int set, struct __user_cap_data_struct data[2])
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };

	return (int)syscall(set ? SYS_capset : SYS_capget, &header, data);
}

static uint32_t effective(unsigned generation)
{
	return generation % 2 ? 1u << CAP_CHOWN | 1u << CAP_SETUID | 1u << CAP_SETGID : permitted;
}

static void change(struct victim *v, void *state)
{
	struct __user_cap_data_struct data[2] = { { effective(v->generation), permitted,
						    inheritable } };

	(void)state;
	CHECK(v, setresuid((uid_t)-1, v->generation % 2 ? OTHER : 100, (uid_t)-1) == 0,
	      "setresuid: %s", strerror(errno));
	CHECK(v, setresgid((gid_t)-1, v->generation % 2 ? OTHER : 101, (gid_t)-1) == 0,
	      "setresgid: %s", strerror(errno));
	CHECK(v, caps(1, data) == 0, "capset: %s", strerror(errno));
}

static void verify(struct victim *v, void *state)
{
	struct __user_cap_data_struct data[2];
	uid_t r, e, s;
	gid_t groups[8], rg, eg, sg;

	(void)state;
	getresuid(&r, &e, &s);
	getresgid(&rg, &eg, &sg);
	CHECK(v, r == 100 && e == (v->generation % 2 ? OTHER : 100) && s == OTHER,
	      "uids are %u %u %u", r, e, s);
	CHECK(v, rg == 101 && eg == (v->generation % 2 ? OTHER : 101) && sg == OTHER,
	      "gids are %u %u %u", rg, eg, sg);
	CHECK(v, getgroups(8, groups) == 3 && groups[0] == 7 && groups[1] == 42 &&
		 groups[2] == 1000, "groups");
	CHECK(v, caps(0, data) == 0 && data[0].permitted == permitted &&
		 data[0].inheritable == inheritable && !data[1].permitted,
	      "permitted %#x, inheritable %#x", data[0].permitted, data[0].inheritable);
	CHECK(v, data[0].effective == effective(v->generation), "effective %#x, not %#x",
	      data[0].effective, effective(v->generation));
	CHECK(v, prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_NET_BIND_SERVICE, 0, 0) == 1 &&
		 prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0) == 0, "ambient");
	CHECK(v, prctl(PR_CAPBSET_READ, CAP_SYS_TIME) == 0 &&
		 prctl(PR_CAPBSET_READ, CAP_CHOWN) == 1, "bounding set");
	CHECK(v, prctl(PR_GET_SECUREBITS) == (SECBIT_NO_SETUID_FIXUP | SECBIT_KEEP_CAPS),
	      "securebits are %#x", prctl(PR_GET_SECUREBITS));
}

int main(int argc, char **argv)
{
	struct __user_cap_data_struct data[2] = { { permitted, permitted, inheritable } };
	gid_t groups[] = { 7, 42, 1000 };
	struct victim v;

	victim_start(&v, argc, argv);
	if (geteuid() != 0)
		victim_skip(&v, "needs root");
	NEED(&v, setgroups(3, groups) == 0);
	NEED(&v, prctl(PR_CAPBSET_DROP, CAP_SYS_TIME) == 0);
	NEED(&v, prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP | SECBIT_KEEP_CAPS) == 0);
	NEED(&v, setresgid(101, 101, OTHER) == 0 && setresuid(100, 100, OTHER) == 0);
	NEED(&v, caps(1, data) == 0);
	NEED(&v, prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0, 0) == 0);
	change(&v, NULL);
	NEED(&v, !v.failed);
	prctl(PR_SET_DUMPABLE, 1);
	victim_serve(&v, change, verify, NULL);
}
