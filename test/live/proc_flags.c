// SPDX-License-Identifier: Apache-2.0
/* What prctl(2) and its like keep for a process: execution domain, subreaper, timer
 * slack, huge pages off, oom score, umask; no_new_privs, which cannot be taken back. */
#include "victim.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>

static void oom_write(const char *text)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	(void)!write(fd, text, strlen(text));
	close(fd);
}

static int oom_read(void)
{
	char text[20] = "";
	int fd = open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC);

	(void)!read(fd, text, sizeof(text) - 1);
	close(fd);
	return atoi(text);
}

static void change(struct victim *v, void *state)
{
	char text[20];
	int odd = (int)(v->generation % 2);

	(void)state;
	personality(odd ? ADDR_NO_RANDOMIZE : ADDR_NO_RANDOMIZE | UNAME26);
	prctl(PR_SET_CHILD_SUBREAPER, !odd);
	prctl(PR_SET_TIMERSLACK, 70000ul + v->generation);
	prctl(PR_SET_THP_DISABLE, odd, 0, 0, 0);
	prctl(PR_SET_PDEATHSIG, odd ? SIGWINCH : SIGURG); /* both are ignored by default */
	umask(013 + v->generation);
	/* Lowering again needs no privilege down to where the process began. */
	snprintf(text, sizeof(text), "%d", odd ? 200 : 100);
	oom_write(text);
}

static void verify(struct victim *v, void *state)
{
	int odd = (int)(v->generation % 2), value = -1;
	mode_t mask = umask(0);

	(void)state;
	umask(mask);
	CHECK(v, mask == 013 + v->generation, "umask is %o", mask);
	CHECK(v, personality(0xffffffff) == (odd ? ADDR_NO_RANDOMIZE : ADDR_NO_RANDOMIZE | UNAME26),
	      "personality is %#x", (unsigned)personality(0xffffffff));
	CHECK(v, prctl(PR_GET_CHILD_SUBREAPER, &value) == 0 && value == !odd, "subreaper");
	CHECK(v, prctl(PR_GET_TIMERSLACK) == 70000 + (int)v->generation, "timer slack is %d",
	      prctl(PR_GET_TIMERSLACK));
	CHECK(v, prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == odd, "thp_disable");
	CHECK(v, prctl(PR_GET_PDEATHSIG, &value) == 0 && value == (odd ? SIGWINCH : SIGURG),
	      "parent-death signal is %d", value);
	CHECK(v, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1, "no_new_privs is lost");
	CHECK(v, oom_read() == (odd ? 200 : 100), "oom_score_adj is %d", oom_read());
}

int main(int argc, char **argv)
{
	struct victim v;

	victim_start(&v, argc, argv);
	NEED(&v, prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	change(&v, NULL);
	victim_serve(&v, change, verify, NULL);
}
