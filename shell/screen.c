// SPDX-License-Identifier: Apache-2.0
#include "shell/screen.h"

#include "core/base/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOT_FOUND = 127 }; /* what sh ends with when there is no such command */

static bool is_dumb(void)
{
	const char *term = getenv("TERM");

	return !term || !*term || strcmp(term, "dumb") == 0;
}

struct screen screen_of(int fd)
{
	struct screen screen = {.width = SIZE_MAX};
	const char *no = getenv("NO_COLOR");
	struct winsize size;

	if (!isatty(fd))
		return screen;
	screen.terminal = true;
	screen.dumb = is_dumb();
	screen.colour = !(no && *no) && !screen.dumb;
	if (ioctl(fd, TIOCGWINSZ, &size) == 0) {
		screen.width = size.ws_col ? size.ws_col : SIZE_MAX;
		screen.height = size.ws_row;
	}
	return screen;
}

size_t screen_lines(const struct screen *screen, const char *text, size_t len)
{
	size_t lines = 0, column = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\033') {
			while (i + 1 < len && text[i] != 'm')
				i++;
		} else if (text[i] == '\n') {
			lines++;
			column = 0;
		} else if (text[i] == '\t') {
			column += 8 - column % 8;
		} else if (((unsigned char)text[i] & 0xc0) != 0x80 && ++column > screen->width) {
			lines++;
			column = 1;
		}
	}
	return lines + (column > 0);
}

/* NULL: none is wanted, or needed. */
static const char *pager_for(const struct screen *screen, const char *text, size_t len)
{
	const char *pager = getenv("SNAPSH_PAGER");

	if (!screen->terminal || !screen->height || screen->dumb ||
	    screen_lines(screen, text, len) < screen->height)
		return NULL;
	if (!pager)
		pager = getenv("PAGER");
	if (!pager)
		pager = "less -FRX";
	return *pager && strcmp(pager, "cat") != 0 ? pager : NULL;
}

static pid_t start_pager(const char *pager, int in)
{
	pid_t pid = fork();
	sigset_t none;

	if (pid != 0)
		return pid;
	/* for one that is named without options */
	setenv("LESS", "FRX", 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGINT, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	dup2(in, STDIN_FILENO);
	execl("/bin/sh", "sh", "-c", pager, (char *)NULL);
	_exit(NOT_FOUND);
}

static void write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		text += n;
		len -= (size_t)n;
	}
}

/* False: there is none that could be started. */
static bool page(const char *pager, const char *text, size_t len)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN}, pipe_before, int_before;
	int ends[2], status = 0;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return false;
	fflush(stdout);
	sigaction(SIGPIPE, &ignore, &pipe_before);
	sigaction(SIGINT, &ignore, &int_before);
	pid = start_pager(pager, ends[0]);
	close(ends[0]);
	if (pid > 0)
		write_all(ends[1], text, len);
	close(ends[1]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	sigaction(SIGINT, &int_before, NULL);
	sigaction(SIGPIPE, &pipe_before, NULL);
	return pid > 0 && !(WIFEXITED(status) && WEXITSTATUS(status) == NOT_FOUND);
}

void screen_page(const struct screen *screen, const char *text, size_t len)
{
	const char *pager = pager_for(screen, text, len);

	if (!pager || !page(pager, text, len))
		fwrite(text, 1, len, stdout);
}
