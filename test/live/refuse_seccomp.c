// SPDX-License-Identifier: Apache-2.0
// refuse: [Ss]eccomp
// dry: harm
/* A seccomp filter: what is injected would run under it. This one allows all but one. */
#include "victim.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>

static void verify(struct victim *v, void *state)
{
	(void)state;
	CHECK(v, syscall(v->harm ? SYS_getpid : SYS_getppid) < 0 && errno == ENOTTY,
	      "the filter does not hold");
}

int main(int argc, char **argv)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOTTY),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { 4, filter };
	struct victim v;

	victim_start(&v, argc, argv);
	NEED(&v, prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		victim_skip(&v, "no seccomp: %s", strerror(errno));
	victim_serve(&v, NULL, verify, NULL);
}
