// SPDX-License-Identifier: Apache-2.0
// start: run
// dry: none (only under snapsh run is there a terminal)
/* The terminal that snapsh run gives: modes and size belong to the state; it is the
 * controlling one, and descriptors 0, 1, 2 are its slave side. */
#include "victim.h"
#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>

static void change(struct victim *v, void *state)
{
	struct winsize size = { .ws_row = (unsigned short)(30 + v->generation), .ws_col = 101 };
	struct termios t;

	(void)state;
	CHECK(v, tcgetattr(0, &t) == 0, "tcgetattr: %s", strerror(errno));
	if (v->generation % 2)
		cfmakeraw(&t);
	else
		t.c_lflag |= ECHO | ICANON | ISIG;
	t.c_cc[VMIN] = (cc_t)(1 + v->generation);
	CHECK(v, tcsetattr(0, TCSANOW, &t) == 0, "tcsetattr: %s", strerror(errno));
	CHECK(v, ioctl(0, TIOCSWINSZ, &size) == 0, "TIOCSWINSZ: %s", strerror(errno));
}

static void verify(struct victim *v, void *state)
{
	struct winsize size = { 0 };
	struct termios t;
	int fd;

	(void)state;
	CHECK(v, isatty(0) && isatty(1) && isatty(2), "no terminal any more");
	CHECK(v, tcgetattr(0, &t) == 0, "tcgetattr: %s", strerror(errno));
	CHECK(v, !(t.c_lflag & ICANON) == (v->generation % 2 == 1), "raw mode");
	CHECK(v, t.c_cc[VMIN] == 1 + v->generation, "VMIN is %u", t.c_cc[VMIN]);
	CHECK(v, ioctl(0, TIOCGWINSZ, &size) == 0 && size.ws_row == 30 + v->generation &&
		 size.ws_col == 101, "size is %dx%d", size.ws_col, size.ws_row);
	fd = open("/dev/tty", O_RDWR | O_NOCTTY);
	CHECK(v, fd >= 0, "no controlling terminal: %s", strerror(errno));
	close(fd);
	CHECK(v, tcgetsid(0) == getsid(0), "the terminal is of session %d", tcgetsid(0));
	CHECK(v, tcgetpgrp(0) == getpgrp(), "the foreground is %d", tcgetpgrp(0));
}

int main(int argc, char **argv)
{
	struct victim v;

	victim_start(&v, argc, argv);
	if (!isatty(0))
		victim_skip(&v, "no terminal at descriptor 0");
	change(&v, NULL);
	NEED(&v, !v.failed);
	victim_serve(&v, change, verify, NULL);
}
